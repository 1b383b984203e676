import type { Refusal } from "../core/reason.ts";
import type { LedgerEntry } from "../telemetry/ledger.ts";
import type { Signal } from "../otlp/signal.ts";
import { type Half, halveRequest } from "../otlp/slice.ts";
import type { Parcel, ParcelOutcome } from "./parcel.ts";
import { FULL_SUCCESS, type Reply } from "./request.ts";

/** Things rejected before anything was routed, for example while JSON was transcoded. */
export interface Beforehand {
  readonly rejected: number;
  readonly message: string;
}

/**
 * The reply of one request, put together from the outcomes of its parcels: answered by the weakest. A parcel that failed
 * makes the sender send all again; if every parcel was refused for good, so is the request; a part that was refused for
 * good is told as partial success.
 */
export class Settlement {
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
  readonly #done: (reply: Reply) => void;

  constructor(beforehand: Beforehand, done: (reply: Reply) => void) {
    this.#rejected = beforehand.rejected;
    this.#message = beforehand.message;
    this.#done = done;
  }

  /** A parcel will call `settled` later. */
  expect(): void {
    this.#pending++;
  }

  /** A parcel that needs no waiting for: it was acknowledged on entering its queue. */
  accept(): void {
    this.#delivered++;
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
    this.#rejected += points;
    if (this.#message === "") this.#message = message;
  }

  #finish(): void {
    if (!this.#sealed || this.#pending > 0) return;
    if (this.#failed !== undefined) this.#done({ ok: false, refusal: this.#failed });
    else if (this.#refused !== undefined && this.#delivered === 0) this.#done({ ok: false, refusal: this.#refused });
    else if (this.#rejected === 0 && this.#message === "") this.#done(FULL_SUCCESS);
    else this.#done({ ok: true, rejected: this.#rejected, message: this.#message });
  }
}

/** Of two failures the one that asks for the longer wait. */
function later(before: Refusal | undefined, outcome: Extract<ParcelOutcome, { kind: "failed" }>): Refusal {
  if (before !== undefined && (before.retryAfterMs ?? 0) >= (outcome.retryAfterMs ?? 0)) return before;
  const { reason, message, retryAfterMs } = outcome;
  return retryAfterMs === undefined ? { reason, message } : { reason, message, retryAfterMs };
}

/** What a routed parcel needs to know besides its bytes. */
export interface ParcelFacts {
  readonly signal: Signal;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
  readonly deadlineMs: number;
  readonly enqueuedMs: number;
}

/** A parcel that keeps the ledger, and tells its request's settlement unless it was acknowledged on entering the queue. */
export class RoutedParcel implements Parcel {
  readonly signal: Signal;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
  readonly deadlineMs: number;
  readonly enqueuedMs: number;
  attempts = 0;
  readonly #entry: LedgerEntry;
  readonly #settlement: Settlement | undefined;

  constructor(facts: ParcelFacts, entry: LedgerEntry, settlement: Settlement | undefined) {
    this.signal = facts.signal;
    this.pieces = facts.pieces;
    this.bytes = facts.bytes;
    this.items = facts.items;
    this.points = facts.points;
    this.deadlineMs = facts.deadlineMs;
    this.enqueuedMs = facts.enqueuedMs;
    this.#entry = entry;
    this.#settlement = settlement;
  }

  get cancelled(): boolean {
    return this.#settlement?.cancelled === true;
  }

  /** Two parcels in place of this one, which is then never settled; undefined when it holds a single item. */
  halve(): readonly [RoutedParcel, RoutedParcel] | undefined {
    const halves = halveRequest(this.signal, Buffer.concat(this.pieces));
    if (halves === undefined) return undefined;
    this.#settlement?.expect(); // there was one to wait for, now there are two
    return [this.#half(halves[0]), this.#half(halves[1])];
  }

  settle(outcome: ParcelOutcome): void {
    this.#account(outcome);
    this.#settlement?.settled(outcome, this.points);
  }

  #half(half: Half): RoutedParcel {
    const { bytes, items, points } = half;
    const facts = { signal: this.signal, pieces: [bytes], bytes: bytes.length, items, points };
    const { deadlineMs, enqueuedMs } = this;
    const parcel = new RoutedParcel({ ...facts, deadlineMs, enqueuedMs }, this.#entry, this.#settlement);
    parcel.attempts = this.attempts;
    return parcel;
  }

  #account(outcome: ParcelOutcome): void {
    const entry = this.#entry;
    entry.queued -= this.points;
    switch (outcome.kind) {
      case "delivered": {
        const rejected = Math.min(outcome.rejected, this.points);
        entry.delivered += this.points - rejected;
        entry.rejected += rejected;
        break;
      }
      case "rejected":
        entry.rejected += this.points;
        break;
      case "failed":
        if (this.#settlement === undefined) entry.lose(outcome.reason, this.points);
        else entry.shedItems(outcome.reason, this.points);
        break;
    }
  }
}
