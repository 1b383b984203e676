import { textBrief, textOwned } from "../../core/bytes.ts";
import { compress } from "../../otlp/compress.ts";
import { encodeResponse } from "../../otlp/response.ts";
import type { HttpReply } from "../../http1/port.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import type { Signal } from "../../otlp/signal.ts";
import { encodeStatus, statusToJson } from "../../otlp/status.ts";
import type { Refusal } from "../../core/reason.ts";
import type { Reply } from "./request.ts";
import { statusOf } from "./grpc-reply.ts";
import type { Format } from "./reception.ts";
import { partialText, REPLIES, retryAfterSeconds, retryDelayMs } from "./reply.ts";

/** The reply of an Export request, in the type of the request. */
export function httpReply(signal: Signal, format: Format, reply: Reply): HttpReply {
  if (!reply.ok) return httpRefusal(format, reply.refusal, []);
  if (reply.rejected === 0 && reply.message === "") return FULL[format];
  const body = encodeResponse(signal, reply.rejected, partialText(reply.message), format);
  return { status: 200, headers: ["Content-Type", TYPES[format]], body };
}

/**
 * A refusal: google.rpc.Status in the type of the request, and when to try again. `more` are
 * further headers.
 */
export function httpRefusal(format: Format, refusal: Refusal, more: readonly string[]): HttpReply {
  const row = REPLIES[refusal.reason];
  const status = statusOf(refusal, row.grpc);
  const body = format === "json" ? textBrief(statusToJson(status)) : encodeStatus(status);
  const delayMs = retryDelayMs(refusal);
  const retryAfter = delayMs === undefined ? [] : ["Retry-After", String(retryAfterSeconds(delayMs))];
  return { status: row.http, headers: ["Content-Type", TYPES[format], ...retryAfter, ...more], body };
}

/** A shorter body is not worth the header that says how it was compressed. */
const MIN_COMPRESSED_BYTES = 1_024;

/** Whether it is to be gzipped: its sender takes that, and it is worth it. */
export function isCompressed({ body }: HttpReply, to: HeaderSource): boolean {
  return body.length > MIN_COMPRESSED_BYTES && takesGzip(to.header("accept-encoding"));
}

/** The same reply, gzipped. `done` is called once, maybe at once. */
export function compressReply(reply: HttpReply, done: (reply: HttpReply) => void): void {
  compress("gzip", [reply.body], (result) => {
    const { status, headers } = reply;
    done(result.ok ? { status, headers: [...headers, "Content-Encoding", "gzip"], body: result.bytes } : reply);
  });
}

/** Of an `Accept-Encoding` header: whether gzip is named, and not with quality 0. */
function takesGzip(accepted: string | undefined): boolean {
  if (accepted === undefined) return false;
  return accepted.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    return name === "gzip" && !parameters.some((parameter) => /^q=0(?:\.0*)?$/u.test(parameter));
  });
}

const TYPES = { protobuf: "application/x-protobuf", json: "application/json" } as const satisfies Record<
  Format,
  string
>;

/** An Export response without partial_success. */
const FULL: Readonly<Record<Format, HttpReply>> = {
  protobuf: { status: 200, headers: ["Content-Type", TYPES.protobuf], body: new Uint8Array(0), isFixed: true },
  json: { status: 200, headers: ["Content-Type", TYPES.json], body: textOwned("{}"), isFixed: true },
};
