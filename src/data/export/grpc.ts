import type { Cancel } from "../../core/clock.ts";
import type { UnaryClient, UnaryResult } from "../../http2/port.ts";
import { GRPC } from "../../otlp/grpc-code.ts";
import { inflateMessage } from "../../otlp/inflate-reply.ts";
import { decodeResponse } from "../../otlp/response.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import { decodeStatus } from "../../otlp/status.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { StatusVerdicts } from "../../plan/status-verdicts.ts";
import { accepted, classifyGrpc, grpcStatusOfHttp } from "./classify.ts";
import { encodeBody, PassedHeaders } from "./encode-body.ts";
import { Quiet } from "./quiet.ts";
import type { Batch, SendDone, TargetClient } from "./target-client.ts";
import type { RetryReason, SendOutcome } from "../send-outcome.ts";

/**
 * OTLP/gRPC over a unary transport, which it owns. Headers and compression are those of the plan at
 * each send.
 */
export function openGrpcClient(current: () => TargetPlan, transport: UnaryClient): TargetClient {
  const passed = new PassedHeaders();
  const quiet = new Quiet();
  const owner = { closing: false };
  return {
    send(batch, timeoutMs, done) {
      const target = current();
      const metadata = passed.of(target, batch);
      return send({ target, metadata, transport, owner }, batch, timeoutMs, quiet.of(target, batch.headers, done));
    },
    async [Symbol.asyncDispose]() {
      owner.closing = true;
      transport.cancelAll();
      await transport[Symbol.asyncDispose]();
    },
  };
}

interface GrpcLink {
  readonly target: TargetPlan;
  readonly metadata: TargetPlan["headers"];
  readonly transport: UnaryClient;
  readonly owner: { readonly closing: boolean };
}

function send(
  { target, metadata, transport, owner }: GrpcLink,
  batch: Batch,
  timeoutMs: number,
  done: SendDone,
): Cancel {
  const { signal } = batch;
  return encodeBody(batch, target, done, (body) =>
    transport.unary(
      {
        path: SIGNAL_FACTS[signal].grpcPath,
        metadata,
        pieces: body.pieces,
        owner: body.owner,
        messageBytes: body.bytes,
        encoding: body.encoding,
        timeoutMs,
      },
      (result) => end({ signal, verdicts: target.statuses, owner }, result, done),
    ),
  );
}

interface GrpcAttempt {
  readonly signal: Signal;
  readonly verdicts: StatusVerdicts | undefined;
  readonly owner: GrpcLink["owner"];
}

function end({ signal, verdicts, owner }: GrpcAttempt, result: UnaryResult, done: SendDone): void {
  if (result.kind === "failed") {
    // What is compressed when the client ends finds no connection any more.
    const ended = owner.closing && result.reason === "connect";
    done(outcomeOfFailure(ended ? { ...result, reason: "cancelled" } : result, verdicts));
  } else if (result.status === GRPC.OK) {
    inflateMessage(result, (message) => {
      done(accepted(message === undefined ? { ok: false } : decodeResponse(signal, message)), result.loadReport);
    });
  } else {
    done(outcomeOfStatus(result, verdicts), result.loadReport);
  }
}

function outcomeOfStatus(
  result: Extract<UnaryResult, { kind: "answer" }>,
  verdicts: StatusVerdicts | undefined,
): SendOutcome {
  const status = result.details === undefined ? undefined : decodeStatus(result.details);
  const answer = {
    status: result.status,
    message: result.text === "" ? (status?.message ?? "") : result.text,
    retryDelayMs: status?.retryDelayMs,
    pushbackMs: result.retryAfterMs,
  };
  return classifyGrpc(answer, verdicts);
}

function outcomeOfFailure(
  result: Extract<UnaryResult, { kind: "failed" }>,
  verdicts: StatusVerdicts | undefined,
): SendOutcome {
  const { reason, text, unprocessed, httpStatus = 0, retryAfterMs } = result;
  if (reason === "http_status") {
    const message = text === "" ? `HTTP ${httpStatus} instead of gRPC` : text;
    if (httpStatus === 413) return { kind: "too_large", message };
    const status = grpcStatusOfHttp(httpStatus);
    const answer = { status, message, retryDelayMs: undefined, pushbackMs: retryAfterMs, httpStatus };
    const outcome = classifyGrpc(answer, verdicts);
    return httpStatus === 429 && outcome.kind === "retry" ? { ...outcome, quota: true } : outcome;
  }
  // A reply above the limit must not be retried (OTLP): the target has most likely done its work.
  if (reason === "too_large") return { kind: "rejected", code: "RESOURCE_EXHAUSTED", message: text, badData: false };
  const retry: RetryReason = reason;
  return { kind: "retry", reason: retry, message: text, unprocessed };
}
