import type { HeaderBlock } from "../../http2/headers.ts";

/** The final head of a reply over HTTP/1.1, as far as it can be read. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: HeaderBlock;
}

const STATUS_LINE = /^HTTP\/1\.[01] ([2-9]\d\d)[^\r\n]*\r?\n/u;
const FIELD = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/u;

/**
 * What a head says that a parser refused, for a length that is none, say: where the reply ends is
 * not known then, but what the peer answered is. Lines that are no fields are left out. Undefined
 * when there is no final status in it. Borrows `bytes`.
 */
export function readReplyHead(bytes: Buffer): ReplyHead | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  const text = bytes.toString("latin1", 0, end < 0 ? bytes.length : end + 2);
  const line = STATUS_LINE.exec(text);
  if (line === null) return undefined;
  const fields = new Map<string, string[]>();
  for (const one of text.slice(line[0].length).split(/\r?\n/u)) {
    const [, name, value] = FIELD.exec(one) ?? [];
    if (name === undefined || value === undefined) continue;
    const key = name.toLowerCase();
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [value]);
    else values.push(value);
  }
  return { status: Number(line[1]), headers: Object.fromEntries(fields) };
}
