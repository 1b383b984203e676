/** The headers of one request, as whoever received it has them. */
export interface HeaderSource {
  /** By a lower-case name; one that came several times is one value. */
  header(name: string): string | undefined;
}

const ENTRY_BYTES = 100;

/**
 * What a request's sender said in those headers that somebody asks about. Immutable: requests that
 * said the same may share one.
 */
export class SenderHeaders {
  /** Lower-case names and their values; headers that did not come are not there. */
  readonly #values: ReadonlyMap<string, string>;
  /** The same text exactly for the same values of the same headers. */
  readonly key: string;
  /** Memory that it takes, about: the texts twice, and what holds them. */
  readonly bytes: number;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
    // Names have no "=", and values no line feed.
    this.key = [...values].map(([name, value]) => `${name}=${value}`).join("\n");
    this.bytes = 2 * this.key.length + ENTRY_BYTES * values.size;
  }

  /** By a lower-case name. */
  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  entries(): Iterable<readonly [name: string, value: string]> {
    return this.#values;
  }

  /** Only these of them. `names` are in order, so that the keys of two such can be compared. */
  only(names: readonly string[]): SenderHeaders {
    const values = new Map<string, string>();
    for (const name of names) {
      const value = this.#values.get(name);
      if (value !== undefined) values.set(name, value);
    }
    return values.size === 0 ? NO_HEADERS : new SenderHeaders(values);
  }
}

/** Of a request none of whose headers is asked about. */
export const NO_HEADERS = new SenderHeaders(new Map());

/** Longer values are refused, so that what a queue holds for a request stays small beside it. */
export const MAX_HEADER_VALUE = 256;
const PRINTABLE = /^[\x20-\x7e]*$/u;

export type ReadHeaders =
  | { readonly ok: true; readonly headers: SenderHeaders }
  /** `message` never has the value in it. */
  | { readonly ok: false; readonly name: string; readonly message: string };

/** Reads the headers of these lower-case names, which are in order. */
export function readSenderHeaders(source: HeaderSource, names: readonly string[]): ReadHeaders {
  const values = new Map<string, string>();
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
    values.set(name, value);
  }
  return { ok: true, headers: values.size === 0 ? NO_HEADERS : new SenderHeaders(values) };
}

/**
 * Headers that people give as a mapping, with names in any case; of two that differ only in case
 * the last counts.
 */
export function headersOf(values: Readonly<Record<string, string>> | undefined): HeaderSource {
  const known = new Map(Object.entries(values ?? {}).map(([name, value]) => [name.toLowerCase(), value.trim()]));
  return { header: (name) => known.get(name) };
}
