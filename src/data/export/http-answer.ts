import { mediaTypeOf } from "../../http2/repeated.ts";
import type { HeaderBlock } from "../../http2/headers.ts";
import { decodeResponse } from "../../otlp/response.ts";
import type { Signal } from "../../otlp/signal.ts";
import { decodeStatus } from "../../otlp/status.ts";
import type { StatusVerdicts } from "../../plan/status-verdicts.ts";
import { accepted, classifyHttp, isSuccess } from "./classify.ts";
import type { SendOutcome } from "../send-outcome.ts";

/** A final answer over HTTP: what came of it. */
export interface FinalAnswer {
  readonly signal: Signal;
  readonly status: number;
  readonly headers: HeaderBlock;
  /** Inflated; undefined when it could not be read, or broke off. */
  readonly body: Uint8Array | undefined;
}

/** So much of a text that is not a Status is told on. */
const MAX_TEXT = 200;
const PROTOBUF = "application/x-protobuf";

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
    const readable = body !== undefined && (body.length === 0 || type === PROTOBUF);
    return accepted(readable ? decodeResponse(signal, body) : { ok: false });
  }
  const message = body === undefined ? "" : messageOf(type, body);
  return classifyHttp({ status, message, retryAfter: headers["retry-after"] }, wallMs, verdicts);
}

function messageOf(type: string, body: Uint8Array): string {
  if (type === PROTOBUF) return decodeStatus(body)?.message ?? "";
  if (type !== "text/plain" && type !== "application/json") return "";
  return new TextDecoder().decode(body.subarray(0, MAX_TEXT)).trim();
}
