import { SMALLEST_LIMIT_BYTES } from "../export/size-limit.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { SendOutcome, SizeDoubt } from "../send-outcome.ts";
import { type BatchOrigin, worthAnother } from "./batch-origin.ts";
import { type Delivery, expiresMs, type Trial } from "./delivery.ts";
import { isAwaited } from "./parcel.ts";

/**
 * So often a parcel is split because a target refuses it, then a part of it, then a part of that;
 * from 64 MiB to the smallest limit it takes 12. How many calls that may be in all is bounded by
 * the retry budget, and by the smallest limit.
 */
const MOST_SPLITS = 16;
/**
 * A 400 that may be for the size is believed to be for the data after so many parts were refused as
 * well.
 */
const MOST_DOUBTED_LEVELS = 3;

type TooLarge = Extract<SendOutcome, { kind: "too_large" }>;

/** One refusal for the size. */
interface SizeRefusal {
  readonly target: TargetHandle;
  readonly bytes: number;
  readonly message: string;
  readonly doubt: SizeDoubt | undefined;
  /** What was refused was itself a part that was tried. */
  readonly trial: Trial | undefined;
}

/**
 * What it means for what was in a batch that it was too large for its target, or may have been. A
 * first part is tried alone, by parcels while there are several, then by items; each such step is
 * charged to the retry budget. Refused for good is only what cannot be split, or is so small that
 * no limit can be meant.
 */
export function tooLarge(origin: BatchOrigin, all: readonly Delivery[], target: TargetHandle, outcome: TooLarge): void {
  const { message, doubt } = outcome;
  const refusal: SizeRefusal = { target, bytes: bytesOf(all), message, doubt, trial: trialOf(all) };
  const deliveries = worthAnother(origin, all);
  if (refusal.trial === undefined || deliveries.length === 0) endTrials(origin, all, "unknown");
  if (deliveries.length === 0) return;
  if (doubt === "bad_data" && (refusal.trial?.level ?? 0) >= MOST_DOUBTED_LEVELS) {
    return refuseAsBadData(origin, deliveries, refusal.trial, message);
  }
  // What was refused was more than what is left of it, which may well fit.
  if (deliveries.length === 1 && all.length > 1) isolate(origin, deliveries, refusal);
  else if (deliveries.length === 1) oneTooLarge(origin, deliveries[0]!, refusal);
  else severalTooLarge(origin, deliveries, refusal);
}

/**
 * It was not the size: what `trial` is a part of is refused for what is in it, or, of several
 * parcels, sent one by one.
 */
export function refuseAsBadData(
  origin: BatchOrigin,
  deliveries: readonly Delivery[],
  trial: Trial | undefined,
  message: string,
): void {
  const whole = trial === undefined ? deliveries : [...deliveries, ...takeRests(origin, trial)];
  for (const delivery of whole) delivery.meet({ trial: undefined });
  if (trial?.several !== true) {
    for (const delivery of whole) origin.finish(delivery, { kind: "rejected", message, badData: true });
    return;
  }
  for (const delivery of whole) delivery.meet({ maxTogether: 1 });
  origin.putBack(whole);
}

function oneTooLarge(origin: BatchOrigin, delivery: Delivery, refusal: SizeRefusal): void {
  if (refusal.bytes < SMALLEST_LIMIT_BYTES) return tooSmall(origin, delivery, refusal);
  if (isIndivisible(delivery)) return indivisible(origin, delivery, refusal);
  const size = refusal.target.splitSize(refusal.bytes);
  if (isKnown(origin, [delivery], refusal, size)) return;
  if (!maySplit(origin, [delivery])) return wait(origin, [delivery], refusal, size.bytes);
  const parts = origin.split(delivery, { bytes: size.bytes, items: Infinity });
  if (parts === undefined) {
    delivery.meet({ indivisible: true });
    return indivisible(origin, delivery, refusal);
  }
  tryFirst(origin, parts, 1, { ...refusal, splitBytes: size.bytes, several: false });
}

function severalTooLarge(origin: BatchOrigin, deliveries: readonly Delivery[], refusal: SizeRefusal): void {
  if (refusal.bytes < SMALLEST_LIMIT_BYTES) return isolate(origin, deliveries, refusal);
  const size = refusal.target.splitSize(refusal.bytes);
  if (isKnown(origin, deliveries, refusal, size)) return;
  if (!maySplit(origin, deliveries)) return wait(origin, deliveries, refusal, size.bytes);
  const [first, ...others] = deliveries;
  const parts =
    first!.record.bytes <= size.bytes ? undefined : origin.split(first!, { bytes: size.bytes, items: Infinity });
  if (parts !== undefined) {
    const all = [...parts, ...others];
    return tryFirst(origin, all, 1, { ...refusal, splitBytes: size.bytes, several: true });
  }
  let { bytes } = first!.record;
  let count = 1;
  for (; count < deliveries.length - 1; count++) {
    bytes += deliveries[count]!.record.bytes;
    if (bytes > size.bytes) break;
  }
  tryFirst(origin, deliveries, count, { ...refusal, splitBytes: size.bytes, several: true });
}

/**
 * No limit can be meant that is smaller: it is refused for good. What was part of the same parcel
 * cannot hope for more.
 */
function tooSmall(origin: BatchOrigin, delivery: Delivery, refusal: SizeRefusal): void {
  const { trial, message, doubt } = refusal;
  const rests = trial === undefined || trial.several || doubt !== undefined ? [] : takeRests(origin, trial);
  indivisible(origin, delivery, refusal);
  const [awaited, acknowledged] = [rests.filter(isAwaited), rests.filter((one) => !isAwaited(one))];
  for (const one of awaited) origin.finish(one, { kind: "rejected", message, badData: false });
  if (acknowledged.length > 0) wait(origin, acknowledged, { ...refusal, trial: undefined }, Infinity);
}

/**
 * Is refused for good; what was acknowledged only the second time by the same target, which has
 * taken smaller ones in between: `recent`, and not `above`.
 */
function indivisible(origin: BatchOrigin, delivery: Delivery, refusal: SizeRefusal): void {
  const { target, doubt, message } = refusal;
  endTrials(origin, [delivery], "unknown");
  const meant = doubt === undefined || doubt === "bad_data";
  const again = doubt === "recent" && delivery.refusedBy === target;
  if (meant || again || (doubt !== "quota" && isAwaited(delivery))) {
    return origin.finish(delivery, { kind: "rejected", message, badData: doubt === "bad_data" });
  }
  delivery.meet({ refusedBy: target });
  wait(origin, [delivery], refusal, Infinity);
}

/** The target is known to take nearly as much: nothing has to be tried. */
function isKnown(
  origin: BatchOrigin,
  deliveries: readonly Delivery[],
  { target, bytes, doubt }: SizeRefusal,
  size: { readonly bytes: number; readonly proven: boolean },
): boolean {
  if (!size.proven || doubt === "quota" || doubt === "bad_data") return false;
  target.learnSize(size.bytes, bytes);
  target.countSplit(doubt);
  for (const delivery of deliveries) delivery.meet({ maxBytes: Infinity });
  endTrials(origin, deliveries, "known");
  origin.putBack(deliveries);
  return true;
}

/** Several small parcels: each is told what is said of it alone. */
function isolate(origin: BatchOrigin, deliveries: readonly Delivery[], refusal: SizeRefusal): void {
  endTrials(origin, deliveries, "unknown");
  if (!maySplit(origin, deliveries)) return wait(origin, deliveries, refusal, Infinity);
  refusal.target.countSplit(refusal.doubt);
  for (const delivery of deliveries) delivery.meet({ maxTogether: 1 });
  origin.putBack(deliveries);
}

interface Try extends SizeRefusal {
  readonly splitBytes: number;
  /** It is about several parcels, unless it is a part of a trial that says so. */
  readonly several: boolean;
}

/** Sends the first `count` at once, and the rest when it is known what became of them. */
function tryFirst(origin: BatchOrigin, all: readonly Delivery[], count: number, what: Try): void {
  const { target, doubt, bytes: refusedBytes, splitBytes } = what;
  target.countSplit(doubt);
  for (const delivery of all) {
    delivery.meet({ trial: undefined, maxTogether: Infinity, maxBytes: splitBytes });
  }
  const [firsts, rest] = [all.slice(0, count), all.slice(count)];
  const { level = 0, several = what.several, asides = [] } = what.trial ?? {};
  const aside = origin.setAside(rest, safeDelayMs(origin, rest));
  const trial = { target, doubt, refusedBytes, level: level + 1, several, asides: [...asides, aside] };
  for (const delivery of firsts) {
    delivery.meet({ trial, maxTogether: count });
  }
  origin.putBack(firsts);
}

/**
 * The rest is freed when the trial ends. Should that get lost, say with a fallback pool, its own
 * time comes.
 */
function safeDelayMs({ nowMs, retry, maxAgeMs }: BatchOrigin, rest: readonly Delivery[]): number {
  let untilMs = nowMs + retry.maxMs;
  for (const delivery of rest) untilMs = Math.min(untilMs, expiresMs(delivery, maxAgeMs));
  return Math.max(0, untilMs - nowMs);
}

/** Nothing smaller of it can be sent, as far as is known. */
export function isIndivisible({ indivisible: known, record }: Delivery): boolean {
  return known || (record.items < 2 && record.points < 2);
}

/** One more step, which is counted for each, as its parts will, and charged to the pool. */
function maySplit(origin: BatchOrigin, deliveries: readonly Delivery[]): boolean {
  if (deliveries.some(({ splits }) => splits >= MOST_SPLITS)) return false;
  if (!origin.budget.take(origin.nowMs)) return false;
  for (const delivery of deliveries) delivery.meet({ splits: delivery.splits + 1 });
  return true;
}

/**
 * Our own bound is no reason to lose what was acknowledged: it waits as long as a retry may. Others
 * are told to come again.
 */
function wait(origin: BatchOrigin, deliveries: readonly Delivery[], refusal: SizeRefusal, maxBytes: number): void {
  const { trial, message } = refusal;
  const delayMs = Math.max(1, origin.retry.maxMs);
  const waiting: Delivery[] = [];
  for (const delivery of trial === undefined ? deliveries : [...deliveries, ...takeRests(origin, trial)]) {
    delivery.meet({ trial: undefined });
    if (isAwaited(delivery)) {
      origin.finish(delivery, { kind: "failed", reason: "target_failed", message, retryAfterMs: delayMs });
      continue;
    }
    delivery.record.retries++;
    delivery.meet({ maxBytes: Math.min(delivery.maxBytes, maxBytes) });
    waiting.push(delivery);
  }
  if (waiting.length > 0) origin.putBackLater(waiting, delayMs);
}

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
    delivery.meet({ trial: undefined, maxTogether: Infinity });
    free(origin, trial, sizes === "known");
  }
}

/** The rests, in the order in which they were sent. They are the caller's now. */
function takeRests(origin: BatchOrigin, { asides }: Trial): Delivery[] {
  return asides.toReversed().flatMap((aside) => origin.takeBack(aside));
}

/**
 * `whole`: the rests may be as large as the target is known to take. What was freed before is not
 * freed again.
 */
function free(origin: BatchOrigin, { asides }: Trial, whole: boolean): void {
  for (const aside of asides) {
    const rest = origin.takeBack(aside);
    if (whole) for (const delivery of rest) delivery.meet({ maxBytes: Infinity });
    if (rest.length > 0) origin.putBack(rest);
  }
}

export function bytesOf(deliveries: readonly Delivery[]): number {
  let bytes = 0;
  for (const { record } of deliveries) bytes += record.bytes;
  return bytes;
}
