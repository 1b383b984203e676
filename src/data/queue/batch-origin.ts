import type { SplitLimits } from "../../otlp/split-request.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { RetryPlan } from "../../plan/plan.ts";
import type { ParcelOutcome } from "./parcel.ts";
import { type Delivery, expiryOf } from "./delivery.ts";
import type { LaneEnv } from "./lane-port.ts";
import type { Aside } from "./queue-store.ts";

/** The queue that a batch came from, as far as its end concerns it. */
export interface BatchOrigin extends Pick<LaneEnv, "random" | "budget" | "records" | "anyUsableBeside" | "countRetry"> {
  readonly nowMs: number;
  readonly retry: RetryPlan;
  readonly maxAgeMs: number;
  /** Shutting down: nothing is tried again. */
  readonly closed: boolean;
  finish(delivery: Delivery, outcome: ParcelOutcome): void;
  /**
   * Deliveries within the limits in place of a delivery, not put back yet; undefined: it cannot be
   * cut, and stays.
   */
  split(whole: Delivery, limits: SplitLimits): readonly Delivery[] | undefined;
  /** To the front of the queue, in this order. */
  putBack(deliveries: readonly Delivery[]): void;
  /** To where another target takes them, when their own certainly did not. */
  putElsewhere(deliveries: readonly Delivery[]): void;
  /** As `putBack` after `delayMs`, unless they are taken back before. */
  setAside(deliveries: readonly Delivery[], delayMs: number): Aside;
  /** What of these still waits. */
  takeBack(aside: Aside): readonly Delivery[];
  /** As `putBack`, when the time has come. */
  putBackLater(deliveries: readonly Delivery[], delayMs: number): void;
  /**
   * A target of its pool, or of those after it, may take what is of this signal some time, though
   * none of these.
   */
  mayBeTaken(signal: Signal, but: readonly string[]): boolean;
  /** Gives it to a fallback pool, where that is possible now; ends its part in this queue then. */
  failOver(delivery: Delivery): boolean;
  /** Gives what was not read back to whoever waits for it, to be read after all. */
  sendBack(delivery: Delivery): void;
  /** Ends it as if it had never been there, where it is a copy that others have as well. */
  leaveOut(delivery: Delivery): boolean;
}

/** Finishes those that nobody waits for any more, and returns the others. */
export function worthAnother(origin: BatchOrigin, deliveries: readonly Delivery[]): Delivery[] {
  const again: Delivery[] = [];
  for (const delivery of deliveries) {
    const end = origin.closed ? SHUTTING_DOWN : expiryOf(delivery, origin.nowMs, origin.maxAgeMs, origin.records);
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
