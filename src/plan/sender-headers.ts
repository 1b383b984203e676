/** The headers of one request, as whoever received it has them. */
export interface HeaderSource {
  /** By a lower-case name; one that came several times is one value. */
  header(name: string): string | undefined;
}

const ENTRY_BYTES = 100;

/**
 * What a request's sender said in those headers that somebody asks about. Plain and never changed:
 * requests that said the same may share one.
 */
export interface SenderHeaders {
  /** Lower-case names and their values; headers that did not come are not there. */
  readonly values: readonly (readonly [name: string, value: string])[];
  /** The same text exactly for the same values of the same headers. */
  readonly key: string;
  /** Memory that it takes, about: the texts twice, and what holds them. */
  readonly bytes: number;
}

export function senderHeaders(values: readonly (readonly [name: string, value: string])[]): SenderHeaders {
  // Names have no "=", and values no line feed.
  const key = values.map(([name, value]) => `${name}=${value}`).join("\n");
  return { values, key, bytes: 2 * key.length + ENTRY_BYTES * values.length };
}

/** By a lower-case name. */
export function headerIn({ values }: SenderHeaders, name: string): string | undefined {
  for (const value of values) if (value[0] === name) return value[1];
  return undefined;
}

/** Only these of them. `names` are in order, so that the keys of two such can be compared. */
export function onlyHeaders(headers: SenderHeaders, names: readonly string[]): SenderHeaders {
  const values: (readonly [string, string])[] = [];
  for (const name of names) {
    const value = headerIn(headers, name);
    if (value !== undefined) values.push([name, value]);
  }
  return values.length === 0 ? NO_HEADERS : senderHeaders(values);
}

/** Of a request none of whose headers is asked about. */
export const NO_HEADERS: SenderHeaders = senderHeaders([]);

/** Longer values are refused, so that what a queue holds for a request stays small beside it. */
export const MAX_HEADER_VALUE = 256;
const PRINTABLE = /^[\x20-\x7e]*$/u;

type ReadHeaders =
  | { readonly ok: true; readonly headers: SenderHeaders }
  /** `message` never has the value in it. */
  | { readonly ok: false; readonly name: string; readonly message: string };

/** Reads the headers of these lower-case names, which are in order. */
export function readSenderHeaders(source: HeaderSource, names: readonly string[]): ReadHeaders {
  const values: (readonly [string, string])[] = [];
  for (const name of names) {
    const value = source.header(name);
    if (value === undefined) continue;
    if (value.length > MAX_HEADER_VALUE) {
      const message = `the header ${name} has ${value.length} bytes, and the limit is ${MAX_HEADER_VALUE}`;
      return { ok: false, name, message };
    }
    if (!PRINTABLE.test(value)) {
      return { ok: false, name, message: `the header ${name} has characters other than printable ASCII` };
    }
    values.push([name, value]);
  }
  return { ok: true, headers: values.length === 0 ? NO_HEADERS : senderHeaders(values) };
}

/**
 * Headers that people give as a mapping, with names in any case; of two that differ only in case
 * the last counts.
 */
export function headersOf(values: Readonly<Record<string, string>> | undefined): HeaderSource {
  const known = new Map(Object.entries(values ?? {}).map(([name, value]) => [name.toLowerCase(), value.trim()]));
  return { header: (name) => known.get(name) };
}
