import { OWN_MEMORY } from "../core/arena/extent.ts";
import type { Signal } from "../otlp/signal.ts";
import type { DataPlane, DataPlaneStatus } from "../plan/data-plane.ts";
import type { IntakeLimits } from "../plan/listen-options.ts";
import type { Explanation, ExplainRequest } from "../plan/explanation.ts";
import type { Plan } from "../plan/plan.ts";
import type { PlanData } from "../plan/plan-data.ts";
import { headersOf } from "../plan/sender-headers.ts";
import type { Env } from "../telemetry/env.ts";
import type { Admission } from "./admit/admission.ts";
import { type DataPlaneOptions, openCore } from "./assemble.ts";
import type { Strategies } from "./balance/strategies.ts";
import type { RequestHandler } from "./receive/request-handler.ts";
import type { Reply, RequestHead } from "./receive/request.ts";
import { type TargetSet, viewTargets } from "./target-set.ts";

/** A data plane that nothing listens for: its requests come from the process that it is in. */
export interface EmbeddedDataPlane {
  readonly dataPlane: DataPlane;
  readonly targets: TargetSet;
  /** The plan that runs. */
  readonly running: Plan;
  /** As those of the data plane, at once. */
  status(): DataPlaneStatus;
  explain(request: ExplainRequest): Explanation;
  /**
   * Takes a whole protobuf export request the way a received one takes, and tells what a sender
   * would be told. The bytes must not change until then. `region`: what the listener's would be.
   * Never rejects.
   */
  send(request: EmbeddedRequest): Promise<Reply>;
}

interface EmbeddedRequest {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  readonly region: string;
  /** What the sender's headers would be; none without. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** For what the sender waits; capped by the limit on timeouts. */
  readonly timeoutMs: number | undefined;
}

interface EmbeddedOptions extends Pick<DataPlaneOptions, "secrets"> {
  /** `off`: nothing is connected before something is sent. */
  readonly checks: "run" | "off";
  /** There beside those of the plan's plugins. */
  readonly strategies: Strategies | undefined;
}

/**
 * Throws TLS_INVALID and CONFIG_INVALID as applying a plan does. Closed by disposing its
 * `dataPlane`.
 */
export async function openEmbedded(
  plan: PlanData,
  limits: IntakeLimits,
  env: Env,
  options: EmbeddedOptions,
): Promise<EmbeddedDataPlane> {
  await using parts = new AsyncDisposableStack();
  const { dataPlane, admission, handler } = await openCore(plan, limits, env, { ...options, parts });
  dataPlane.own(undefined, parts.move());
  const { clock, random } = env;
  const targets = viewTargets(() => dataPlane.targets, { clock, random, strategies: options.strategies });
  return {
    dataPlane,
    targets,
    get running() {
      return dataPlane.plan;
    },
    status: () => dataPlane.statusNow(),
    explain: (request) => dataPlane.explainNow(request),
    send({ signal, bytes, region, headers, timeoutMs = limits.requestTimeoutMs }) {
      const receivedMs = clock.nowMs();
      const deadlineMs = receivedMs + Math.min(timeoutMs, limits.maxTimeoutMs);
      const from = { region, peer: "embedded", headers: headersOf(headers) };
      const head: RequestHead = { signal, method: "grpc", ...from, receivedMs, deadlineMs };
      return handleOne(head, bytes, admission, handler);
    },
  };
}

function handleOne(
  head: RequestHead,
  bytes: Uint8Array,
  admission: Admission,
  handler: RequestHandler,
): Promise<Reply> {
  const permit = admission.open(head, head.headers);
  if (permit.kind === "refused") return Promise.resolve({ ok: false, refusal: permit.refusal });
  if (!permit.grow(bytes.length)) {
    const refusal = permit.refusal ?? { reason: "too_large", message: "the request is too large" };
    permit.close();
    return Promise.resolve({ ok: false, refusal });
  }
  return new Promise((resolve) => {
    const replied = (reply: Reply): void => {
      permit.close();
      resolve(reply);
    };
    handler.handle({ head, bytes, owner: OWN_MEMORY, rejected: 0, message: "" }, { replied });
  });
}
