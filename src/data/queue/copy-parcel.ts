import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { CutLimits } from "../../otlp/cut-request.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Parcel, ParcelOutcome } from "../parcel.ts";
import { cutPieces, type ParcelBytes } from "./cut-parcel.ts";
import { type Copies, type CopyOutcome, joinParts } from "./join.ts";

/** What one is made of; what else it does not name is that of its origin. */
interface CopiedPart extends ParcelBytes {
  readonly headers?: SenderHeaders;
  readonly enqueuedMs?: number;
}

/**
 * One target's copy of a parcel, in a pool that broadcasts: the bytes are shared, the outcome is
 * its own.
 */
export class CopyParcel implements Parcel {
  readonly signal: Signal;
  readonly headers: SenderHeaders;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /** That of its origin, which is settled after all copies. */
  readonly owner: BytesOwner;
  readonly items: number;
  readonly points: number;
  readonly deadlineMs: number;
  readonly enqueuedMs: number;
  target = "";
  /** Undefined takes the copy out as if it had never been made. */
  readonly end: (outcome: CopyOutcome) => void;
  /** What it is a copy of. */
  readonly origin: Parcel;
  readonly #copies: Copies;

  /** A part of a copy ends in its own way. */
  constructor(origin: Parcel, part: CopiedPart, copies: Copies, end: (outcome: CopyOutcome) => void = copies.end) {
    this.signal = origin.signal;
    this.headers = part.headers ?? origin.headers;
    this.pieces = part.pieces;
    this.bytes = part.bytes;
    this.owner = origin.owner;
    this.items = part.items;
    this.points = part.points;
    this.deadlineMs = origin.deadlineMs;
    this.enqueuedMs = part.enqueuedMs ?? origin.enqueuedMs;
    this.end = end;
    this.origin = origin;
    this.#copies = copies;
  }

  /**
   * No other copy arrived or is left: without this one, or the parts of it, the parcel would have
   * gone nowhere.
   */
  get isLast(): boolean {
    return this.#copies.isLast;
  }

  get cancelled(): boolean {
    return this.origin.cancelled;
  }

  get attempts(): number {
    return this.origin.attempts;
  }

  set attempts(attempts: number) {
    this.origin.attempts = attempts;
  }

  settle(outcome: ParcelOutcome): void {
    this.end(outcome);
  }

  cut(limits: CutLimits): CopyParcel[] | undefined {
    const parts = cutPieces(this, limits);
    return parts === undefined ? undefined : this.divide(parts);
  }

  /** Copies of the parts, which together are this one. */
  divide(parts: readonly CopiedPart[]): CopyParcel[] {
    const ends = joinParts(
      parts.map((part) => part.points),
      this.end,
    );
    const { headers, enqueuedMs } = this;
    return parts.map((part, i) => {
      return new CopyParcel(this.origin, { headers, enqueuedMs, ...part }, this.#copies, ends[i]);
    });
  }
}
