import type { HeaderBlock } from "../headers.ts";
import type { HeaderList } from "./contract.ts";

/** The size of a list as RFC 9113, 6.5.2 counts: names and values, and 32 bytes for each field. */
export function headerListBytes(headers: HeaderList): number {
  let bytes = headers.length * 16;
  for (const text of headers) bytes += text.length;
  return bytes;
}

/**
 * A header's value; repeated ones are joined as RFC 9110, 5.3 says, parts of a cookie as RFC 9113,
 * 8.2.3.
 */
export function listedHeader(headers: HeaderList, name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== name) continue;
    found = found === undefined ? headers[at + 1]! : `${found}${name === "cookie" ? ";" : ","} ${headers[at + 1]!}`;
  }
  return found;
}

/** The same as a record, for those who want most of it. */
export function headerBlockOf(headers: HeaderList): HeaderBlock {
  const block: Record<string, string> = {};
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    const before = block[name];
    block[name] = before === undefined ? headers[at + 1]! : `${before}, ${headers[at + 1]!}`;
  }
  return block;
}
