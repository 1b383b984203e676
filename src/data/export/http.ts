import type { Cancel } from "../../core/clock.ts";
import { Timers } from "../../core/timers.ts";
import { ConnectionPool } from "../../http1/client/connection-pool.ts";
import { BadRequestHead } from "../../http1/client/request-head.ts";
import { SIGNAL_FACTS } from "../../otlp/signal.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { replyFaultCounter } from "../connect/connection-faults.ts";
import { httpConnector } from "../connect/http-connect.ts";
import type { ClientEnv } from "../connect/transport.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { encodeBody, PassedHeaders } from "./encode-body.ts";
import { HttpCall } from "./http-call.ts";
import { HTTP_PROTOBUF, type HttpFormat } from "./http-format.ts";
import { HttpRequestHeads, type HttpCallHead } from "./http-request-heads.ts";
import { Quiet } from "./quiet.ts";
import type { SendDone, TargetClient } from "./target-client.ts";

export interface HttpClientOptions {
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  /** A longer reply is not read (OTLP: 4 MiB). */
  readonly maxResponseBytes: number;
}

/** So long a connection is kept without a request, where the target says nothing else. */
const KEPT_MS = 4_000;

/**
 * OTLP/HTTP with bodies of one format over HTTP/1.1 connections that are kept open. Headers, path
 * and compression are those of the plan at each send; address and TLS those of the plan now. Throws
 * TLS_INVALID for bad PEM.
 */
export function openHttpClient(
  current: () => TargetPlan,
  options: HttpClientOptions,
  env: Pick<ClientEnv, "clock" | "metrics">,
  format: HttpFormat = HTTP_PROTOBUF,
): TargetClient {
  const plan = current();
  const { clock } = env;
  const passed = new PassedHeaders();
  const quiet = new Quiet();
  const connect = httpConnector(new URL(plan.url), options.connectTimeoutMs, plan, clock);
  const pool = new ConnectionPool({ connect, clock, keptMs: KEPT_MS, onFault: replyFaultCounter(env.metrics) });
  const owner = { maxResponseBytes: options.maxResponseBytes, clock, timers: new Timers(clock) };
  const heads = new HttpRequestHeads(options.userAgent, format.contentType);
  return {
    send(given, timeoutMs, done) {
      const written = format.write(given, current().maxRequestBytes);
      if (!written.ok) return tellLater(written.outcome, done);
      const { batch } = written;
      const { signal } = batch;
      return encodeBody(batch, current(), done, ({ pieces, owner: kept, bytes, encoding }) => {
        const target = current();
        const path = SIGNAL_FACTS[signal].httpPath;
        const head = headOf(heads, { url: target.url, path, headers: passed.of(target, batch), encoding, bytes });
        if (head instanceof BadRequestHead) return tellLater(unsendable(head), done);
        const request = { head, pieces, owner: kept, signal, verdicts: target.statuses };
        const call = new HttpCall(request, owner, quiet.of(target, batch.headers, done));
        call.limit(timeoutMs, pool.send(call));
        return () => call.cancel();
      });
    },
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

function headOf(heads: HttpRequestHeads, request: HttpCallHead): Uint8Array | BadRequestHead {
  try {
    return heads.head(request);
  } catch (cause) {
    if (cause instanceof BadRequestHead) return cause;
    throw cause;
  }
}

function unsendable({ message }: BadRequestHead): SendOutcome {
  return { kind: "retry", reason: "protocol", message, unprocessed: true };
}

/** What is known before anything is sent, which is told all the same not from within. */
function tellLater(outcome: SendOutcome, done: SendDone): Cancel {
  queueMicrotask(() => done(outcome));
  return () => undefined;
}
