import type { Refusal } from "../../core/reason.ts";
import type { ParcelOutcome } from "../queue/parcel.ts";
import type { Receipt } from "../queue/records.ts";
import type { HandledRequest, ReplyTaker } from "./request-handler.ts";
import { FULL_SUCCESS } from "./request.ts";

/** Things rejected before anything was routed, for example while JSON was transcoded. */
interface Beforehand {
  readonly rejected: number;
  readonly message: string;
}

/**
 * The reply of one request, put together from the outcomes of its parcels: answered by the weakest.
 * A parcel that failed makes the sender send all again; if every parcel was refused for good, so is
 * the request; a part that was refused for good is told as partial success.
 */
export class Settlement implements Receipt, HandledRequest {
  /** The sender has gone away: what was not sent yet need not be. */
  cancelled = false;
  /** Parcels whose outcome the reply waits for. */
  #pending = 0;
  #delivered = 0;
  #rejected: number;
  #message: string;
  #refused: Refusal | undefined;
  #failed: Refusal | undefined;
  #sealed = false;
  /**
   * No more things than the request has can be rejected, though copies of one thing may be, each on
   * its own.
   */
  readonly #maxRejected: number;
  readonly #to: ReplyTaker;

  /** `points` is how many things the request has besides those that were rejected before. */
  constructor(beforehand: Beforehand, points: number, to: ReplyTaker) {
    this.#maxRejected = beforehand.rejected + points;
    this.#rejected = beforehand.rejected;
    this.#message = beforehand.message;
    this.#to = to;
  }

  cancel(): void {
    this.cancelled = true;
  }

  /** A parcel will call `settled` later. */
  expect(): void {
    this.#pending++;
  }

  /** A parcel that needs no waiting for: it was acknowledged on entering its queue. */
  accept(): void {
    this.#delivered++;
  }

  /** A parcel that found no place in its queue although it was not going to be waited for. */
  fail(outcome: Extract<ParcelOutcome, { kind: "failed" }>): void {
    this.#failed = later(this.#failed, outcome);
  }

  /** Things that no rule took and that are refused. */
  refusePart(points: number, message: string): void {
    this.#reject(points, message);
  }

  /** All parcels are known: from now on the reply is given as soon as nothing is pending. */
  seal(): void {
    this.#sealed = true;
    this.#finish();
  }

  settled(outcome: ParcelOutcome, points: number): void {
    this.#pending--;
    switch (outcome.kind) {
      case "delivered":
        this.#delivered++;
        if (outcome.rejected > 0 || outcome.message !== "") this.#reject(outcome.rejected, outcome.message);
        break;
      case "rejected":
        this.#refused ??= { reason: outcome.badData ? "bad_data" : "target_rejected", message: outcome.message };
        this.#reject(points, outcome.message);
        break;
      case "failed":
        this.#failed = later(this.#failed, outcome);
        break;
    }
    this.#finish();
  }

  #reject(points: number, message: string): void {
    this.#rejected = Math.min(this.#maxRejected, this.#rejected + points);
    if (this.#message === "") this.#message = message;
  }

  #finish(): void {
    if (!this.#sealed || this.#pending > 0) return;
    if (this.#failed !== undefined) this.#to.replied({ ok: false, refusal: this.#failed });
    else if (this.#refused !== undefined && this.#delivered === 0)
      this.#to.replied({ ok: false, refusal: this.#refused });
    else if (this.#rejected === 0 && this.#message === "") this.#to.replied(FULL_SUCCESS);
    else this.#to.replied({ ok: true, rejected: this.#rejected, message: this.#message });
  }
}

/** Of two failures the one that asks for the longer wait. */
function later(before: Refusal | undefined, outcome: Extract<ParcelOutcome, { kind: "failed" }>): Refusal {
  if (before !== undefined && (before.retryAfterMs ?? 0) >= (outcome.retryAfterMs ?? 0)) return before;
  const { reason, message, retryAfterMs } = outcome;
  return retryAfterMs === undefined ? { reason, message } : { reason, message, retryAfterMs };
}
