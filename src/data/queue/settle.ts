import { Unreachable } from "../../core/unreachable.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { type Delivery, expiresMs } from "./delivery.ts";
import { type BatchOrigin, worthAnother } from "./batch-origin.ts";
import { isAwaited } from "./parcel.ts";
import { isUnread, NO_IDS } from "./record.ts";
import { backoffMs } from "./retry-policy.ts";
import { endTrials, isIndivisible, passTrials, refuseAsBadData, tooLarge, trialOf } from "./too-large.ts";

/** A batch that came back, with its deliveries in the order in which they were sent. */
export interface SentBatch {
  readonly deliveries: readonly Delivery[];
  readonly target: TargetHandle;
}

type Retry = Extract<SendOutcome, { kind: "retry" }>;

/**
 * What the end of a send means for each parcel in it. Afterwards each has been finished or put
 * back, exactly once.
 */
export function settleBatch(origin: BatchOrigin, sent: SentBatch, outcome: SendOutcome): void {
  switch (outcome.kind) {
    case "accepted":
      passTrials(origin, sent.deliveries, sent.target);
      return accept(origin, sent.deliveries, outcome.rejected, outcome.message);
    case "retry":
      return retry(origin, sent, outcome);
    case "too_large":
      if (sent.deliveries.some(({ record }) => isUnread(record))) return sendBack(origin, sent.deliveries);
      return tooLarge(origin, sent.deliveries, sent.target, outcome);
    case "elsewhere":
      return turnAway(origin, sent, outcome.message);
    case "rejected":
      return reject(origin, sent.deliveries, outcome);
    default:
      throw new Unreachable(outcome satisfies never);
  }
}

/**
 * Never sent again, whatever was rejected. Nobody tells which parcel of a batch was meant: the
 * first ones bear it.
 */
function accept(origin: BatchOrigin, deliveries: readonly Delivery[], rejected: number, message: string): void {
  const count = deliveries.length;
  const shared = count > 1 && message !== "" ? `${message} (said of a batch of ${count} requests)` : message;
  let left = rejected;
  for (const delivery of deliveries) {
    // Of what was not read only the target knows what was in it.
    const its = isUnread(delivery.record) ? left : Math.min(left, delivery.record.points);
    left -= its;
    const said = rejected === 0 || its > 0 ? shared : "";
    origin.finish(delivery, { kind: "delivered", rejected: its, message: said });
  }
}

/** It can be split when it has been read. */
function sendBack(origin: BatchOrigin, deliveries: readonly Delivery[]): void {
  for (const delivery of worthAnother(origin, deliveries)) origin.sendBack(delivery);
}

function retry(origin: BatchOrigin, { deliveries, target }: SentBatch, outcome: Retry): void {
  endTrials(origin, deliveries, "unknown");
  const again = worthAnother(origin, deliveries);
  if (outcome.reason === "stale" && again.length > 0 && origin.budget.take(origin.nowMs))
    return sendAgain(origin, again);
  const elsewhere: Delivery[] = [];
  const later: Delivery[] = [];
  for (const delivery of again) {
    const { record } = delivery;
    record.avoid = target.key;
    const unreachable = outcome.unprocessed ? [...record.unreachable, target.key] : undefined;
    const moves = unreachable !== undefined && origin.anyUsableBeside(unreachable, record.signal);
    record.unreachable = moves ? unreachable : NO_IDS;
    (moves ? elsewhere : later).push(delivery);
  }
  if (later.length > 0) retryLater(origin, later, target, outcome);
  if (elsewhere.length > 0) origin.putElsewhere(elsewhere);
  if (again.length > 0) origin.countRetry(outcome.reason);
}

/** A kept connection was dead. Once for each: at once, on a new one, and against nobody. */
function sendAgain(origin: BatchOrigin, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) delivery.meet({ again: true });
  origin.putBack(deliveries);
  origin.countRetry("stale");
}

/**
 * The target does not take the signal: at once to another one that may, or to another pool. That is
 * no retry, for nothing was tried: each target, and each pool, says so of a parcel once. When
 * nobody takes it the sender is told; what was acknowledged waits.
 */
function turnAway(origin: BatchOrigin, { deliveries, target }: SentBatch, message: string): void {
  const moving: Delivery[] = [];
  const later: Delivery[] = [];
  endTrials(origin, deliveries, "unknown");
  for (const delivery of worthAnother(origin, deliveries)) {
    const { record } = delivery;
    const { signal } = record;
    const before = record.unwilling;
    const unwilling = before.includes(target.key) ? before : [...before, target.key];
    record.unwilling = unwilling;
    if (origin.anyUsableBeside(unwilling, signal)) moving.push(delivery);
    else if (origin.leaveOut(delivery) || origin.failOver(delivery)) origin.countRetry("elsewhere");
    else if (!isAwaited(delivery)) waitOn(origin, delivery);
    else if (origin.mayBeTaken(signal, unwilling)) later.push(delivery);
    else origin.finish(delivery, { kind: "rejected", message, badData: false });
  }
  const refused = { kind: "retry", reason: "unavailable", message, unprocessed: true } as const;
  if (later.length > 0) retryLater(origin, later, target, refused);
  if (moving.length > 0) origin.putElsewhere(moving);
  if (later.length + moving.length > 0) origin.countRetry("elsewhere");
}

/** It was acknowledged: neither a budget nor a number of retries ends it, only its age. */
function waitOn(origin: BatchOrigin, delivery: Delivery): void {
  origin.putBackLater([delivery], backoffMs(delivery.record.retries, origin.retry, origin.random));
  delivery.record.retries++;
}

/**
 * Those with equally many retries wait together, so that old ones do not make new ones wait long,
 * or go too early.
 */
function retryLater(origin: BatchOrigin, deliveries: readonly Delivery[], target: TargetHandle, outcome: Retry): void {
  const affordable = origin.budget.take(origin.nowMs);
  for (let from = 0; from < deliveries.length; ) {
    const { retries, signal } = deliveries[from]!.record;
    let to = from + 1;
    while (to < deliveries.length && deliveries[to]!.record.retries === retries) to++;
    // Ended early so that another target is tried, it is tried at once.
    const atOnce = outcome.reason === "cut_short" && origin.anyUsableBeside([target.key], signal);
    const own = atOnce ? 0 : backoffMs(retries, origin.retry, origin.random);
    // A delay that the target named binds that target, and its health obeys it; here it matters
    // when there is no other.
    const named = origin.anyUsableBeside([target.key], signal) ? 0 : (outcome.afterMs ?? 0);
    const delayMs = Math.max(own, named);
    const behind = isPerhapsTooLarge(deliveries, outcome) && hasTime(origin, deliveries[0]!, delayMs + named);
    backOff(origin, deliveries.slice(from, to), behind ? delayMs + named : delayMs, affordable, outcome);
    from = to;
  }
}

/**
 * What cannot be cut and is perhaps never taken comes after the pause, and as long again: so it
 * holds up nothing, and what is sent meanwhile shows which of the two it was.
 */
function isPerhapsTooLarge(deliveries: readonly Delivery[], { perhapsSize = false }: Retry): boolean {
  return perhapsSize && deliveries.length === 1 && isIndivisible(deliveries[0]!);
}

/** Whether it will not have been given up so much later. */
function hasTime({ nowMs, maxAgeMs }: BatchOrigin, delivery: Delivery, delayMs: number): boolean {
  return nowMs + delayMs < expiresMs(delivery, maxAgeMs);
}

function backOff(
  origin: BatchOrigin,
  deliveries: readonly Delivery[],
  delayMs: number,
  affordable: boolean,
  outcome: Retry,
): void {
  const waiting: Delivery[] = [];
  const { maxRetries } = origin.retry;
  for (const delivery of deliveries) {
    // What nobody waits for any more was acknowledged before: it must not be lost to a budget, only
    // wait for it.
    const awaited = isAwaited(delivery);
    const spent = maxRetries !== undefined && delivery.record.retries >= maxRetries;
    if (spent || !hasTime(origin, delivery, delayMs) || (!affordable && awaited)) {
      const { message } = outcome;
      origin.finish(delivery, { kind: "failed", reason: "target_failed", message, retryAfterMs: Math.ceil(delayMs) });
    } else {
      delivery.record.retries++;
      waiting.push(delivery);
    }
  }
  if (waiting.length > 0) origin.putBackLater(waiting, affordable ? delayMs : Math.max(delayMs, origin.retry.maxMs));
}

/**
 * Bad data in a batch of several says nothing about any of them: each is sent again alone, so that
 * one poisoned request takes no neighbour along. Where that is only perhaps the cause, duplicates
 * could come of it, which are better than loss.
 */
function reject(
  origin: BatchOrigin,
  deliveries: readonly Delivery[],
  { badData, perhapsData = false, message }: Extract<SendOutcome, { kind: "rejected" }>,
): void {
  const trial = trialOf(deliveries);
  if (trial?.doubt === "bad_data" && badData) return refuseAsBadData(origin, deliveries, trial, message);
  endTrials(origin, deliveries, "unknown");
  if ((badData || perhapsData) && deliveries.length > 1) {
    for (const delivery of deliveries) delivery.meet({ maxTogether: 1 });
    origin.putBack(deliveries);
    return;
  }
  for (const delivery of deliveries) origin.finish(delivery, { kind: "rejected", message, badData });
}
