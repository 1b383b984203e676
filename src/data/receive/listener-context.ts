import { REASONS, type Reason } from "../../core/reason.ts";
import type { Env } from "../../telemetry/env.ts";
import type { Counter } from "../../telemetry/metrics.ts";
import type { Admission } from "../admit/admission.ts";
import type { Reply, RequestHead } from "./request.ts";
import type { RequestHandler } from "./request-handler.ts";
import { Deadlines } from "./deadlines.ts";

/** Whether what was received would be taken, as of now. */
interface ReadinessSource {
  readonly readiness: { readonly ready: boolean };
}

/** What receiving needs from around it. */
export interface ReceiveEnv extends Omit<Env, "ledger"> {
  readonly admission: Admission;
  readonly handler: RequestHandler;
  /** What the gRPC health service says of the three OTLP services is whether it is ready. */
  readonly dataPlane: ReadinessSource;
}

/** What all requests of one listener share. */
export interface ListenerContext {
  readonly env: ReceiveEnv;
  readonly region: string;
  readonly method: RequestHead["method"];
  readonly deadlines: Deadlines;
  /** Of requests that have come whole, as sent. */
  readonly receivedBytes: Counter;
  /** Counts a request whose reply is known: at most once for each. */
  count(reply: Reply, receivedMs: number): void;
  /** Counts a request that ended without a reply, or before there was one to time. */
  countError(reason: Reason): void;
}

export function openListenerContext(region: string, method: RequestHead["method"], env: ReceiveEnv): ListenerContext {
  // All of them at once, so that they are there from zero.
  const errors = new Map(REASONS.map((reason) => [reason, env.metrics.errors.with(region, reason)]));
  const duration = env.metrics.requestDuration.with(region, method);
  return {
    env,
    region,
    method,
    receivedBytes: env.metrics.receivedBytes.with(region, method),
    deadlines: new Deadlines(env.clock, () => env.admission.pressedMs),
    count(reply, receivedMs) {
      if (!reply.ok) errors.get(reply.refusal.reason)?.add(1);
      duration.observe((env.clock.nowMs() - receivedMs) / 1_000);
    },
    countError(reason) {
      errors.get(reason)?.add(1);
    },
  };
}
