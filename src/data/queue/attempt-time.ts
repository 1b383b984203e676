import type { AttemptTime, TargetHandle } from "../export/target-port.ts";
import type { Delivery } from "./delivery.ts";

/**
 * An attempt that is cut lasts so many times the usual latency of its target at least, so that only
 * outliers are cut.
 */
const LATENCIES = 3;
/** And at least this long: a pause of our own event loop is no slow target. */
const LEAST_CUT_MS = 250;
/** The same for a target that never answered yet: it may have to be connected to first. */
const LEAST_UNKNOWN_MS = 1_000;
/** With less than this left, or than the usual latency, a second attempt has no chance. */
const LEAST_REST_MS = 100;

/**
 * When a first attempt ends so that a second one can still be made in the `leftMs` until the
 * deadline: half-way, or later where the target is slow. Infinity where there is no time for two.
 * `latencyMs` is 0 while nothing is known.
 */
export function cutMs(leftMs: number, latencyMs: number): number {
  const least = latencyMs === 0 ? LEAST_UNKNOWN_MS : Math.max(LEAST_CUT_MS, LATENCIES * latencyMs);
  const cut = Math.max(leftMs / 2, least);
  return leftMs - cut >= Math.max(LEAST_REST_MS, latencyMs) ? Math.ceil(cut) : Infinity;
}

/**
 * One attempt may take as long as the target's timeout, and not longer than anybody waits for its
 * result: `longestLeftMs`. It is cut where that leaves somebody in it the room for another:
 * `soonestCutMs`, Infinity when it is not to be cut.
 */
export function attemptTime(targetTimeoutMs: number, longestLeftMs: number, soonestCutMs: number): AttemptTime {
  // Timers count whole milliseconds and may fire up to one early: what ends by a deadline must end
  // after it, or it would be taken for a target that failed.
  const wholeMs = Math.min(targetTimeoutMs, Math.ceil(longestLeftMs) + 1);
  return soonestCutMs < wholeMs ? { timeoutMs: soonestCutMs, cut: true } : { timeoutMs: wholeMs, cut: false };
}

/** The same for a batch that leaves now. `cuts`: another target could be tried. */
export function attemptOf(
  { plan, latencyMs }: Pick<TargetHandle, "plan" | "latencyMs">,
  deliveries: readonly Pick<Delivery, "record">[],
  nowMs: number,
  cuts: boolean,
): AttemptTime {
  let longestLeftMs = 0;
  let soonestCutMs = Infinity;
  for (const { record } of deliveries) {
    const leftMs = record.expiresMs - nowMs;
    longestLeftMs = Math.max(longestLeftMs, leftMs);
    if (cuts) soonestCutMs = Math.min(soonestCutMs, cutMs(leftMs, latencyMs));
  }
  return attemptTime(plan.timeoutMs, longestLeftMs, soonestCutMs);
}
