import { FieldLine } from "../own/field-line.ts";
import type { LengthPlace } from "../own/head-reader.ts";
import { CR, LF, OCTETS, SP, VALUE } from "../own/octets.ts";
import { badReply, type ReplyBreach } from "./contract.ts";
import { ReplyFacts, type WholeHead } from "./reply-facts.ts";

/** `HTTP/1.1 200`: all else of a status line is for people. */
const STATUS_END = 12;
const VERSION = "HTTP/1.";
const MINOR_AT = 7;
const DIGIT_0 = 48;
const DIGIT_9 = 57;

/**
 * The status of the head at `from`, which is whole: 100 to 599; 0 when its first line, which ends
 * at the first LF, is no status line (RFC 9112, 4).
 */
export function statusAt(bytes: Buffer, from: number): number {
  const minor = bytes[from + MINOR_AT]! - DIGIT_0;
  if (bytes.toString("latin1", from, from + MINOR_AT) !== VERSION || minor < 0 || minor > 1) return 0;
  if (bytes[from + MINOR_AT + 1] !== SP) return 0;
  let status = 0;
  for (let at = from + STATUS_END - 3; at < from + STATUS_END; at++) {
    const byte = bytes[at]!;
    if (byte < DIGIT_0 || byte > DIGIT_9) return 0;
    status = status * 10 + byte - DIGIT_0;
  }
  const behind = bytes[from + STATUS_END];
  return (behind === SP || behind === CR) && status >= 100 && status < 600 ? status : 0;
}

/** [from, end) of `bytes`: a final head with its empty line, and `status`. */
export function readHead(bytes: Buffer, from: number, end: number, status: number): WholeHead | ReplyBreach {
  const facts = new ReplyFacts(status, bytes[from + MINOR_AT] === DIGIT_0 ? 0 : 1);
  const field = new FieldLine();
  const place: LengthPlace = { at: -1, end: -1 };
  let lf = bytes.indexOf(LF, from);
  if (!isLine(bytes, from + STATUS_END, lf - 1)) return badReply("bad_status_line", "its status line is none");
  for (let start = lf + 1; start < end - 2; start = lf + 1) {
    lf = bytes.indexOf(LF, start);
    const fault = bytes[lf - 1] === CR ? field.read(bytes, start, lf - 1) : "bad value";
    if (fault !== undefined) return badReply("bad_header", FIELD_FAULTS[fault]);
    const { name, valueAt, valueEnd } = field;
    if (name === "content-length") {
      place.at = valueAt - from;
      place.end = valueEnd - from;
    }
    facts.add(name, bytes.toString("latin1", valueAt, valueEnd));
  }
  return facts.finish(place);
}

const FIELD_FAULTS = {
  continued: "a header is continued on a second line (RFC 9112, 5.2)",
  "no name": "a header has no name, or no colon right behind it (RFC 9112, 5.1)",
  "bad value": "a header has a control character, or a line end that is not CR LF",
} as const;

/** The rest of a status line, which ends with CR LF. */
function isLine(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[end] !== CR) return false;
  for (let at = start; at < end; at++) if ((OCTETS[bytes[at]!]! & VALUE) === 0) return false;
  return true;
}
