import type { TargetHandle } from "../export/target-port.ts";
import type { Delivery, Trial } from "./delivery.ts";
import type { BatchOrigin } from "./batch-origin.ts";

/**
 * A part is as large as was tried if it has at least this share of what was refused: else it shows
 * little of what the target takes.
 */
const TELLING_SHARE = 0.25;

/** The trial that all of these are together; undefined when they are none, or not one. */
export function trialOf(deliveries: readonly Delivery[]): Trial | undefined {
  const trial = deliveries[0]?.trial;
  return trial !== undefined && deliveries.every((delivery) => delivery.trial === trial) ? trial : undefined;
}

/**
 * It was its size: the target has taken a part. The rest may go, in batches of what is known now.
 */
export function passTrials(origin: BatchOrigin, deliveries: readonly Delivery[], target: TargetHandle): void {
  for (const { trial } of deliveries) {
    if (trial === undefined) continue;
    const bytes = bytesOf(deliveries);
    const learned = trial.target === target && bytes >= trial.refusedBytes * TELLING_SHARE;
    if (learned) target.learnSize(bytes, trial.refusedBytes);
    free(origin, trial, learned);
  }
}

/**
 * They ended in another way: the rests go on by themselves. With `known` sizes they need not be
 * smaller than those.
 */
export function endTrials(origin: BatchOrigin, deliveries: readonly Delivery[], sizes: "known" | "unknown"): void {
  for (const delivery of deliveries) {
    const { trial } = delivery;
    if (trial === undefined) continue;
    delivery.trial = undefined;
    delivery.maxTogether = Infinity;
    free(origin, trial, sizes === "known");
  }
}

/** The rests, in the order in which they were sent. They are the caller's now. */
export function takeRests(origin: BatchOrigin, { asides }: Trial): Delivery[] {
  return asides.toReversed().flatMap((aside) => origin.takeBack(aside));
}

/**
 * `whole`: the rests may be as large as the target is known to take. What was freed before is not
 * freed again.
 */
function free(origin: BatchOrigin, { asides }: Trial, whole: boolean): void {
  for (const aside of asides) {
    const rest = origin.takeBack(aside);
    if (whole) for (const delivery of rest) delivery.maxBytes = Infinity;
    if (rest.length > 0) origin.putBack(rest);
  }
}

export function bytesOf(deliveries: readonly Delivery[]): number {
  let bytes = 0;
  for (const { record } of deliveries) bytes += record.bytes;
  return bytes;
}
