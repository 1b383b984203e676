import { COLON, HTAB, OCTETS, SP, TOKEN, VALUE } from "./octets.ts";

/** What is wrong with a line that should be a header: RFC 9112, 5. */
export type FieldFault = "continued" | "no name" | "bad value";

/** Where the parts of one line are. */
export class FieldLine {
  /** In lower case. */
  name = "";
  valueAt = 0;
  valueEnd = 0;

  /** [start, end) of `bytes`, without its end; the same object serves for all lines of a head. */
  read(bytes: Buffer, start: number, end: number): FieldFault | undefined {
    let at = start;
    while ((OCTETS[bytes[at]!]! & TOKEN) !== 0) at++;
    if (at === start || bytes[at] !== COLON) return isBlank(bytes[start]!) ? "continued" : "no name";
    this.name = nameOf(bytes.toString("latin1", start, at));
    at++;
    while (at < end && isBlank(bytes[at]!)) at++;
    let valueEnd = end;
    while (valueEnd > at && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    for (let i = at; i < valueEnd; i++) {
      if ((OCTETS[bytes[i]!]! & VALUE) === 0) return "bad value";
    }
    this.valueAt = at;
    this.valueEnd = valueEnd;
    return undefined;
  }
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

/** What nearly all peers write, and how it is called here: a text of its own for each costs. */
const NAMES = new Map<string, string>();
const MAX_NAMES = 256;

function nameOf(written: string): string {
  const known = NAMES.get(written);
  if (known !== undefined) return known;
  const name = written.toLowerCase();
  if (NAMES.size < MAX_NAMES) NAMES.set(written, name);
  return name;
}
