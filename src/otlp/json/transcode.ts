import { NO_LIMITS, type RequestLimits } from "../limits.ts";
import type { Signal } from "../signal.ts";
import { transcodeDirect } from "./direct.ts";
import { type Transcoded, transcodeParsed } from "./transcode-parsed.ts";

/**
 * OTLP/JSON to protobuf. A bad value within a span, log record, metric or data point rejects only
 * that; a bad value around them, or a text that is not JSON, rejects the request, with the path of
 * one such value. The result is at most four times as long as `body` (a list of zeros; spans shrink
 * by half). It is owned by the caller, unless there was room for it in `scratch`.
 *
 * Where OTLP leaves it open: a lone surrogate becomes U+FFFD; two members of a oneof are an error;
 * of a name that stands twice in an object, the last counts.
 *
 * In one pass where all is right, which takes about as long as JSON.parse; what is not is parsed to
 * objects, which takes three times as long.
 */
export function transcode(
  signal: Signal,
  body: Uint8Array,
  limits: RequestLimits = NO_LIMITS,
  scratch?: Buffer,
): Transcoded {
  const direct = transcodeDirect(signal, body, limits, scratch);
  if (direct !== undefined) return { ok: true, bytes: direct, rejected: 0, message: "" };
  return transcodeParsed(signal, body, limits, scratch);
}
