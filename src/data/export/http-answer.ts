import type { HeaderBlock } from "../../http2/headers.ts";
import { mediaTypeOf } from "../../http2/repeated.ts";
import { decodeJsonResponse, messageOfJson } from "../../otlp/json-response.ts";
import { decodeResponse } from "../../otlp/response.ts";
import type { Signal } from "../../otlp/signal.ts";
import { decodeStatus } from "../../otlp/status.ts";
import type { StatusVerdicts } from "../../plan/status-verdicts.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { accepted, classifyHttp, isSuccess } from "./classify.ts";

/** A final answer over HTTP: what came of it. */
interface FinalAnswer {
  readonly signal: Signal;
  readonly status: number;
  readonly headers: HeaderBlock;
  /** Inflated; undefined when it could not be read, or broke off. */
  readonly body: Uint8Array | undefined;
}

/** So much of a text that is not a Status is told on. */
const MAX_TEXT = 200;
const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

/**
 * What a final answer means. The status decides; what cannot be read of the rest changes nothing of
 * it. Never throws.
 */
export function outcomeOfHttp(
  { signal, status, headers, body }: FinalAnswer,
  wallMs: number,
  verdicts?: StatusVerdicts,
): SendOutcome {
  const type = mediaTypeOf(headers);
  if (isSuccess(status)) {
    // An answer of another kind, say from a proxy, says nothing but that it was taken.
    if (body === undefined) return accepted({ ok: false });
    if (type === JSON_TYPE) return accepted(decodeJsonResponse(signal, body));
    return accepted(body.length === 0 || type === PROTOBUF ? decodeResponse(signal, body) : { ok: false });
  }
  const message = body === undefined ? "" : messageOf(type, body);
  return classifyHttp({ status, message, retryAfter: headers["retry-after"] }, wallMs, verdicts);
}

function messageOf(type: string, body: Uint8Array): string {
  if (type === PROTOBUF) return decodeStatus(body)?.message ?? "";
  if (type === JSON_TYPE) {
    const message = messageOfJson(body);
    if (message !== undefined) return message;
  } else if (type !== "text/plain") return "";
  return new TextDecoder().decode(body.subarray(0, MAX_TEXT)).trim();
}

/** The final head of a reply over HTTP/1.1, as far as it can be read. */
interface BrokenHead {
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
export function readReplyHead(bytes: Buffer): BrokenHead | undefined {
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
