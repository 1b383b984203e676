import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { isAwaited, type ParcelOutcome } from "./parcel.ts";
import type { Records } from "./records.ts";
import type { Delivery } from "./delivery.ts";
import type { StorePartition } from "./queue-store.ts";

/**
 * A target that asked to be left alone for no longer than this is waited for: what is for it need
 * not go elsewhere.
 */
export const PATIENCE_MS = 1_000;

/** The target does not take the signal, as far as is known now. */
export function refuses(target: TargetHandle, signal: Signal): boolean {
  return (target.refused() & SIGNAL_FACTS[signal].bit) !== 0;
}

/** One of them, usable or not, takes this signal as far as is known, and is none of `but`. */
export function anyTakes(targets: readonly TargetHandle[], signal: Signal, but: readonly string[]): boolean {
  const takes = (target: TargetHandle): boolean => !refuses(target, signal) && !but.includes(target.key);
  return targets.some((target) => (target.parts === undefined ? takes(target) : target.parts.all.some(takes)));
}

/**
 * It works, or one of its addresses does, takes this signal, and asked for no pause beyond this
 * time.
 */
export function isReadyBy(target: TargetHandle, untilMs: number, signal: Signal): boolean {
  if (target.parts !== undefined) return target.parts.all.some((part) => isReadyBy(part, untilMs, signal));
  const health = target.health();
  return health.state === "ready" && health.pausedUntilMs <= untilMs && !refuses(target, signal);
}

/**
 * Takes out what need not wait where nobody takes the signal: that of senders who wait, who are to
 * be told, and copies that others have as well. What was acknowledged stays: somebody may take it
 * before it is too old.
 */
export function takeHopeless(queue: StorePartition, records: Records): readonly Delivery[] {
  const leaving: Delivery[] = [];
  queue.keep((delivery) => {
    const stays = !isAwaited(delivery) && !records.isSpare(delivery.record);
    if (!stays) leaving.push(delivery);
    return stays;
  });
  return leaving;
}

/** What is told then, in the words of targets. */
export function refusedBy(targets: readonly TargetHandle[], signal: Signal): ParcelOutcome {
  const said = targets.flatMap((target) => {
    const { plan } = target;
    const its = target.refusals().find((refusal) => refusal.signal === signal);
    return its === undefined ? [] : [`${plan.id}: ${its.said}`];
  });
  return { kind: "rejected", message: `no target takes ${signal} (${said.slice(0, 3).join("; ")})`, badData: false };
}
