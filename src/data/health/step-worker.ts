import type { RetryReason } from "../send-outcome.ts";
import type { Health, HealthPolicy } from "./health.ts";
import { type HealthEvent, type Recent, stepHealth } from "./step-health.ts";

/** What a worker's own calls tell it, before the node has said anything to it. */
export type WorkerEvent =
  | { readonly kind: "tick" | "sent" | "success" | "refused" | "neutral" }
  | { readonly kind: "failure"; readonly reason: RetryReason }
  | { readonly kind: "throttled"; readonly delayMs: number | undefined };

/**
 * Pure. A worker acts at once where its own calls say that a target is out, or wants to be left
 * alone; the epoch stays that of the node, which is about to say the same. Nothing brings a target
 * back here, and no share of successes takes it out: of both the node knows more.
 */
export function stepWorker(health: Health, event: WorkerEvent, nowMs: number, policy: HealthPolicy): Health {
  if (!isOwn(health, event)) return health;
  const next = stepAlone(health, event, nowMs, policy);
  if (next.epoch === health.epoch) return next;
  // When it is tried again is the node's to say.
  return { ...next, epoch: health.epoch, ...(next.state === "ejected" && { nextTryMs: Infinity }) };
}

/** The same where nobody else decides. */
export function stepAlone(health: Health, event: WorkerEvent, nowMs: number, policy: HealthPolicy): Health {
  return stepHealth(health, withEpoch(event, health.epoch), nowMs, policy);
}

/** What the node decided so far, as what a worker can go on with by itself. */
export function releasedHealth(health: Health, nowMs: number, policy: HealthPolicy): Health {
  switch (health.state) {
    case "ejected":
      return { ...health, nextTryMs: nowMs + policy.restMs };
    case "probing":
      return { ...health, probeOut: false };
    default:
      return stepHealth(health, { kind: "unchecked" }, nowMs, policy);
  }
}

/** Whether a worker may draw its own conclusion. */
function isOwn({ state }: Health, { kind }: WorkerEvent): boolean {
  if (kind === "success" || kind === "throttled") return state === "ready";
  return kind !== "tick" && kind !== "neutral";
}

/** Of a share of successes the node decides. */
const NONE: Recent = { sends: 0, failures: 0 };

function withEpoch(event: WorkerEvent, epoch: number): HealthEvent {
  switch (event.kind) {
    case "sent":
    case "tick":
      return { kind: event.kind };
    case "neutral":
      return { kind: "neutral", epoch };
    case "success":
      return { kind: "success", epoch, recent: NONE };
    case "refused":
      return { kind: "refused", epoch, jitter: 0, recent: NONE };
    case "failure":
      return { kind: "failure", epoch, reason: event.reason, jitter: 0, recent: NONE };
    default:
      return { kind: "throttled", epoch, delayMs: event.delayMs };
  }
}
