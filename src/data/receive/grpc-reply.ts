import type { Refusal } from "../../core/reason.ts";
import type { UnaryReply } from "../../http2/port.ts";
import { GRPC } from "../../otlp/grpc-code.ts";
import { encodeResponse } from "../../otlp/response.ts";
import type { Signal } from "../../otlp/signal.ts";
import { encodeStatus } from "../../otlp/status.ts";
import type { Reply } from "./request.ts";
import { errorText, partialText, REPLIES, retryDelayMs } from "./reply.ts";

/** Full success: an Export response without partial_success, which is no bytes at all. */
const SUCCESS: UnaryReply = { status: GRPC.OK, text: "", message: new Uint8Array(0) };

/** The reply of an Export call. */
export function grpcReply(signal: Signal, reply: Reply): UnaryReply {
  if (!reply.ok) return grpcRefusal(reply.refusal);
  if (reply.rejected === 0 && reply.message === "") return SUCCESS;
  const message = encodeResponse(signal, reply.rejected, partialText(reply.message), "protobuf");
  return { status: GRPC.OK, text: "", message };
}

/**
 * A refusal as a gRPC status; what can be retried carries RetryInfo, bad data carries BadRequest.
 */
export function grpcRefusal(refusal: Refusal): UnaryReply {
  const code = REPLIES[refusal.reason].grpc;
  return { status: code, text: errorText(refusal.message), details: encodeStatus(statusOf(refusal, code)) };
}

/** google.rpc.Status of a refusal. Its code is gRPC's, over HTTP too. */
export function statusOf(refusal: Refusal, code: number): Parameters<typeof encodeStatus>[0] {
  const message = errorText(refusal.message);
  const delayMs = retryDelayMs(refusal);
  return {
    code,
    message,
    ...(delayMs === undefined ? {} : { retryDelayMs: delayMs }),
    ...(refusal.reason === "bad_data" ? { violations: [{ field: refusal.field ?? "", description: message }] } : {}),
  };
}
