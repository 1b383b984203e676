import { joinOwned, textOwned } from "../../core/bytes.ts";

const LENGTH = /\r\ncontent-length[ \t]*:[ \t]*([^\r\n]*)/giu;
/** Only these heads are looked at more closely: all others have one length, or none. */
const SUSPECT = /\r\n(?:transfer-encoding[ \t]*:|content-length[ \t]*:[^]*\r\ncontent-length[ \t]*:)/iu;
const CHUNKED = /\r\ntransfer-encoding[ \t]*:[ \t]*[^\r\n]*chunked/iu;

/**
 * The head of a reply with one length. Proxies send `Content-Length` twice, or beside
 * `Transfer-Encoding`, which parsers rightly refuse, since nobody knows where the next reply
 * begins; but the status of this one is known, and is the answer. Equal lengths are one (RFC 9110,
 * 8.6), chunks count more than a length (RFC 9112, 6.3); of different ones the first is taken and
 * the connection ends with the reply. `end` is where the head ends, behind its empty line. The same
 * bytes where nothing is wrong.
 */
export function withOneLength(bytes: Buffer, end: number): Buffer {
  const head = bytes.toString("latin1", 0, end - 2); // with the end of the last line
  if (!SUSPECT.test(head)) return bytes;
  const lengths = [...head.matchAll(LENGTH)].map((match) => (match[1] ?? "").trim());
  const isChunked = CHUNKED.test(head);
  if (lengths.length === 0 || (lengths.length === 1 && !isChunked)) return bytes;
  const length = lengths.flatMap((text) => text.split(",")).map((text) => text.trim());
  const isSure = isChunked || new Set(length).size === 1;
  const more = isChunked ? [] : [`content-length: ${length[0]}\r\n`];
  if (!isSure) more.push("connection: close\r\n");
  const mended = head.replaceAll(LENGTH, "");
  return joinOwned([textOwned(`${mended}${more.join("")}\r\n`, "latin1"), bytes.subarray(end)]);
}
