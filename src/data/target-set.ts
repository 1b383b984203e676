import type { TimeAndChance } from "../core/time-and-chance.ts";
import { Envelope, scanEnvelope } from "../otlp/scan.ts";
import type { Signal } from "../otlp/signal.ts";
import type { OperatorOverride, TargetStatus } from "../plan/data-plane.ts";
import type { StrategyPlan } from "../plan/plan.ts";
import { NO_HEADERS } from "../plan/sender-headers.ts";
import { type Balancer, openBalancer } from "./balance/balancer.ts";
import type { Strategies } from "./balance/strategies.ts";
import type { TargetHandle } from "./export/target-port.ts";
import type { SendOutcome } from "./send-outcome.ts";
import { targetStatus } from "./status.ts";

/** Targets that are open: connections, health, and what is measured of them. */
export interface TargetSet {
  /** All targets as they are now. */
  readonly statuses: readonly TargetStatus[];
  status(id: string): TargetStatus | undefined;
  /** What an operator wants of one target, from now on. False when there is none of this id. */
  operate(id: string, override: OperatorOverride): boolean;
  /**
   * Sends a protobuf export request to one target, once, whatever its health; the outcome counts
   * for its health and latency. The bytes must not change until it ends. `timeoutMs`: the target's
   * own without. Rejects with a TypeError for an unknown id, and for bytes that are no request.
   */
  send(id: string, signal: Signal, bytes: Uint8Array, timeoutMs?: number): Promise<SendOutcome>;
  /**
   * Opens a strategy over these targets (all of them without `ids`), as they are now: after a
   * change of the config it is opened anew. Throws a TypeError for unknown ids, and for strategies
   * that divide items: broadcast, consistent_hash, content.
   */
  balancer(strategy: StrategyPlan, options?: BalancerOptions): Balancer;
}

export interface BalancerOptions {
  readonly ids?: readonly string[];
  /** `adaptive`: weights follow the load of the targets. */
  readonly weights?: "fixed" | "adaptive";
}

interface TargetSetEnv extends TimeAndChance {
  /** For balancers with strategies of plugins. */
  readonly strategies: Strategies | undefined;
}

/** A view of targets that somebody else owns. */
export function viewTargets(current: () => ReadonlyMap<string, TargetHandle>, env: TargetSetEnv): TargetSet {
  const { clock } = env;
  return {
    get statuses() {
      return [...current().values()].map((target) => targetStatus(target, clock));
    },
    status(id) {
      const target = current().get(id);
      return target && targetStatus(target, clock);
    },
    operate(id, override) {
      const target = current().get(id);
      target?.operate(override);
      return target !== undefined;
    },
    async send(id, signal, bytes, timeoutMs) {
      return sendOnce(handleOf(current(), id), signal, bytes, timeoutMs);
    },
    balancer(strategy, { ids = [...current().keys()], weights = "fixed" } = {}) {
      const handles = ids.map((id) => handleOf(current(), id));
      const { random, strategies } = env;
      return openBalancer(handles, strategy, { clock, random, weights, ...(strategies && { strategies }) });
    },
  };
}

function handleOf(targets: ReadonlyMap<string, TargetHandle>, id: string): TargetHandle {
  const target = targets.get(id);
  if (target === undefined) throw new TypeError(`there is no target ${id}`);
  return target;
}

function sendOnce(
  target: TargetHandle,
  signal: Signal,
  bytes: Uint8Array,
  timeoutMs = target.plan.timeoutMs,
): Promise<SendOutcome> {
  const envelope = new Envelope();
  if (!scanEnvelope(signal, bytes, envelope)) throw new TypeError(envelope.problem);
  const items = envelope.totalItems;
  const batch = { signal, pieces: [bytes], bytes: bytes.length, items, points: items, headers: NO_HEADERS };
  return new Promise((resolve) => {
    target.send(batch, { timeoutMs, cut: false }, () => false, resolve);
  });
}
