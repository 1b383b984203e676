import type { Random } from "../../core/random.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { RetryPlan } from "../../plan/plan.ts";
import type { SendOutcome } from "../export/target-client.ts";
import type { TargetHandle } from "../export/target.ts";
import type { Parcel, ParcelOutcome } from "../parcel.ts";
import type { SplitParcel } from "./cut-parcel.ts";
import { type Delivery, endOf, expiresMs } from "./delivery.ts";
import { backoffMs, type RetryBudget } from "./retry-policy.ts";

/** A batch that came back, with its deliveries in the order in which they were sent. */
export interface SentBatch {
  readonly deliveries: readonly Delivery[];
  readonly target: TargetHandle;
}

/** The queue that a batch came from, as far as its end concerns it. */
export interface Origin {
  readonly nowMs: number;
  readonly random: Random;
  readonly retry: RetryPlan;
  readonly maxAgeMs: number;
  readonly budget: RetryBudget;
  readonly split: SplitParcel;
  /** Shutting down: nothing is tried again. */
  readonly closed: boolean;
  finish(delivery: Delivery, outcome: ParcelOutcome): void;
  /** Deliveries of its parts in place of a delivery, not put back yet. */
  replace(whole: Delivery, parts: readonly Parcel[]): readonly Delivery[];
  /** To the front of the queue, in this order. */
  putBack(deliveries: readonly Delivery[]): void;
  /** To where another target takes them, when their own certainly did not. */
  putElsewhere(deliveries: readonly Delivery[]): void;
  /** As `putBack`, when the time has come. */
  putBackLater(deliveries: readonly Delivery[], delayMs: number): void;
  anyUsableBeside(targets: readonly TargetHandle[], signal: Signal): boolean;
  countRetry(reason: string): void;
}

type Retry = Extract<SendOutcome, { kind: "retry" }>;

/** What the end of a send means for each parcel in it. Afterwards each has been finished or put back, exactly once. */
export function settleBatch(origin: Origin, sent: SentBatch, outcome: SendOutcome): void {
  switch (outcome.kind) {
    case "accepted":
      return accept(origin, sent.deliveries, outcome.rejected, outcome.message);
    case "retry":
      return retry(origin, sent, outcome);
    case "too_large":
      return tooLarge(origin, sent.deliveries, outcome.message);
    case "rejected":
      return reject(origin, sent.deliveries, outcome);
    default:
      throw new Unreachable(outcome satisfies never);
  }
}

/** Never sent again, whatever was rejected. Nobody tells which parcel of a batch was meant: the first ones bear it. */
function accept(origin: Origin, deliveries: readonly Delivery[], rejected: number, message: string): void {
  const count = deliveries.length;
  const shared = count > 1 && message !== "" ? `${message} (said of a batch of ${count} requests)` : message;
  let left = rejected;
  for (const delivery of deliveries) {
    const its = Math.min(left, delivery.parcel.points);
    left -= its;
    const said = rejected === 0 || its > 0 ? shared : "";
    origin.finish(delivery, { kind: "delivered", rejected: its, message: said });
  }
}

function retry(origin: Origin, { deliveries, target }: SentBatch, outcome: Retry): void {
  const again = worthAnother(origin, deliveries);
  const elsewhere: Delivery[] = [];
  const later: Delivery[] = [];
  for (const delivery of again) {
    delivery.avoid = target;
    const unreachable = outcome.unprocessed ? [...(delivery.unreachable ?? []), target] : undefined;
    const moves = unreachable !== undefined && origin.anyUsableBeside(unreachable, delivery.parcel.signal);
    delivery.unreachable = moves ? unreachable : undefined;
    (moves ? elsewhere : later).push(delivery);
  }
  if (later.length > 0) retryLater(origin, later, target, outcome);
  if (elsewhere.length > 0) origin.putElsewhere(elsewhere);
  if (again.length > 0) origin.countRetry(outcome.reason);
}

/** Finishes those that nobody waits for any more, and returns the others. */
function worthAnother(origin: Origin, deliveries: readonly Delivery[]): Delivery[] {
  const again: Delivery[] = [];
  for (const delivery of deliveries) {
    const end = origin.closed ? SHUTTING_DOWN : endOf(delivery, origin.nowMs, origin.maxAgeMs);
    if (end === undefined) again.push(delivery);
    else origin.finish(delivery, end);
  }
  return again;
}

/** Outcome of what a queue still holds when it is closed. */
export const SHUTTING_DOWN: ParcelOutcome = {
  kind: "failed",
  reason: "shutting_down",
  message: "this node is shutting down",
};

/** Those with equally many retries wait together, so that old ones do not make new ones wait long, or go too early. */
function retryLater(origin: Origin, deliveries: readonly Delivery[], target: TargetHandle, outcome: Retry): void {
  const affordable = origin.budget.take(origin.nowMs);
  for (let from = 0; from < deliveries.length; ) {
    const { retries, parcel } = deliveries[from]!;
    let to = from + 1;
    while (to < deliveries.length && deliveries[to]!.retries === retries) to++;
    // Ended early so that another target is tried, it is tried at once.
    const atOnce = outcome.reason === "cut_short" && origin.anyUsableBeside([target], parcel.signal);
    const own = atOnce ? 0 : backoffMs(retries, origin.retry, origin.random);
    // A delay that the target named binds that target, and its health obeys it; here it matters when there is no other.
    const named = origin.anyUsableBeside([target], parcel.signal) ? 0 : (outcome.afterMs ?? 0);
    backOff(origin, deliveries.slice(from, to), Math.max(own, named), affordable, outcome);
    from = to;
  }
}

function backOff(
  origin: Origin,
  deliveries: readonly Delivery[],
  delayMs: number,
  affordable: boolean,
  outcome: Retry,
): void {
  const waiting: Delivery[] = [];
  const { maxRetries } = origin.retry;
  for (const delivery of deliveries) {
    // What nobody waits for any more was acknowledged before: it must not be lost to a budget, only wait for it.
    const awaited = delivery.parcel.deadlineMs !== Infinity;
    const spent = maxRetries !== undefined && delivery.retries >= maxRetries;
    const tooLate = origin.nowMs + delayMs >= expiresMs(delivery, origin.maxAgeMs);
    if (spent || tooLate || (!affordable && awaited)) {
      const { message } = outcome;
      origin.finish(delivery, { kind: "failed", reason: "target_failed", message, retryAfterMs: Math.ceil(delayMs) });
    } else {
      delivery.retries++;
      waiting.push(delivery);
    }
  }
  if (waiting.length > 0) origin.putBackLater(waiting, affordable ? delayMs : Math.max(delayMs, origin.retry.maxMs));
}

/** In halves, by parcels while there are several, then by items, down to one item. */
function tooLarge(origin: Origin, deliveries: readonly Delivery[], message: string): void {
  const first = deliveries[0]!;
  if (deliveries.length > 1) {
    const half = Math.ceil(deliveries.length / 2);
    for (const delivery of deliveries) delivery.company = half;
    origin.putBack(deliveries);
    return;
  }
  const halves = origin.split(first.parcel, { bytes: Math.floor(first.parcel.bytes / 2), items: Infinity });
  if (halves === undefined) return origin.finish(first, { kind: "rejected", message, badData: false });
  const its = origin.replace(first, halves);
  for (const delivery of its) delivery.company = 1;
  origin.putBack(its);
}

/**
 * Bad data in a batch of several says nothing about any of them: each is sent again alone, so that one poisoned request
 * takes no neighbour along. Where that is only perhaps the cause, duplicates could come of it, which are better than loss.
 */
function reject(
  origin: Origin,
  deliveries: readonly Delivery[],
  { badData, perhapsData = false, message }: Extract<SendOutcome, { kind: "rejected" }>,
): void {
  if ((badData || perhapsData) && deliveries.length > 1) {
    for (const delivery of deliveries) delivery.company = 1;
    origin.putBack(deliveries);
    return;
  }
  for (const delivery of deliveries) origin.finish(delivery, { kind: "rejected", message, badData });
}
