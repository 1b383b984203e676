import type { BytesOwner } from "../core/arena/extent.ts";
import type { Reason } from "../core/reason.ts";
import type { Signal } from "../otlp/signal.ts";
import type { CutLimits } from "../otlp/cut-request.ts";
import type { SenderHeaders } from "../plan/sender-headers.ts";
import type { LedgerEntry } from "../telemetry/ledger.ts";
import type { Parcel, ParcelOutcome } from "./parcel.ts";
import { cutPieces, type SplitParcel } from "./queue/cut-parcel.ts";
import type { Losses } from "./queue/losses.ts";
import type { Settlement } from "./receive/settlement.ts";

/** What one rule has in a parcel, and where that is counted. */
export interface Share {
  readonly ledger: LedgerEntry;
  readonly points: number;
  /** By a rule that copies: what it is a copy of went its own way. */
  readonly copied: boolean;
}

/** What a routed parcel needs to know besides its bytes. */
export interface ParcelFacts {
  readonly signal: Signal;
  /** Of the listener that it came in by, for resources that name none. */
  readonly region: string;
  /** Of its request. */
  readonly headers: SenderHeaders;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /** As that of a parcel, which retains it. */
  readonly owner: BytesOwner;
  readonly items: number;
  readonly points: number;
  readonly deadlineMs: number;
  readonly enqueuedMs: number;
  /** Told what of it nobody gets. */
  readonly losses: Pick<Losses, "tell">;
}

/** A part of a parcel that is to be one by itself. */
export interface Part extends Pick<ParcelFacts, "pieces" | "bytes" | "items" | "points"> {
  /** Those of the whole, unless it says otherwise. */
  readonly headers?: SenderHeaders;
  readonly enqueuedMs?: number;
}

/**
 * A parcel that keeps the ledger, and tells its request's settlement unless it was acknowledged on
 * entering the queue.
 */
export class RoutedParcel implements Parcel {
  readonly signal: Signal;
  readonly region: string;
  readonly headers: SenderHeaders;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly owner: BytesOwner;
  readonly items: number;
  readonly points: number;
  readonly deadlineMs: number;
  readonly enqueuedMs: number;
  attempts = 0;
  target = "";
  readonly #losses: Pick<Losses, "tell">;
  /** In the order of the bytes as far as it goes; their points together are `points`. */
  readonly #shares: readonly Share[];
  readonly #settlement: Settlement | undefined;

  constructor(facts: ParcelFacts, shares: readonly Share[], settlement: Settlement | undefined) {
    this.signal = facts.signal;
    this.region = facts.region;
    this.headers = facts.headers;
    this.pieces = facts.pieces;
    this.bytes = facts.bytes;
    this.owner = facts.owner;
    this.owner.retain();
    this.items = facts.items;
    this.points = facts.points;
    this.deadlineMs = facts.deadlineMs;
    this.enqueuedMs = facts.enqueuedMs;
    this.#losses = facts.losses;
    this.#shares = shares;
    this.#settlement = settlement;
  }

  get cancelled(): boolean {
    return this.#settlement?.cancelled === true;
  }

  /** It is there beside what its sender sent. */
  get isCopy(): boolean {
    return this.#shares[0]?.copied === true;
  }

  /**
   * Parcels within the limits in place of this one, which is then never settled; undefined when it
   * cannot be cut.
   */
  cut(limits: CutLimits): RoutedParcel[] | undefined {
    const parts = cutPieces(this, limits);
    return parts === undefined ? undefined : this.divide(parts);
  }

  /**
   * Parcels in place of this one, which is then never settled. The parts together hold what it
   * holds.
   */
  divide(parts: readonly Part[]): RoutedParcel[] {
    for (let i = 1; i < parts.length; i++) this.#settlement?.expect(); // one was expected before
    let shares = this.#shares;
    const divided = parts.map((part) => {
      const [its, others] = divideShares(shares, part.points);
      shares = others;
      return this.#part(part, its);
    });
    this.owner.release();
    return divided;
  }

  /** It found no place, and nobody is told of it here: it is never settled. */
  withdraw(): void {
    this.owner.release();
  }

  settle(outcome: ParcelOutcome): void {
    this.#account(outcome);
    this.owner.release();
    this.#settlement?.settled(outcome, this.points);
  }

  #part(part: Part, shares: readonly Share[]): RoutedParcel {
    const { signal, region, deadlineMs, owner } = this;
    const { pieces, bytes, items, points, headers = this.headers, enqueuedMs = this.enqueuedMs } = part;
    const losses = this.#losses;
    const facts = { signal, region, headers, pieces, bytes, owner, items, points, deadlineMs, enqueuedMs, losses };
    const parcel = new RoutedParcel(facts, shares, this.#settlement);
    parcel.attempts = this.attempts;
    parcel.target = this.target;
    return parcel;
  }

  /**
   * What a target rejected of a parcel of several rules is put down to them in order: which it was,
   * nobody tells.
   */
  #account(outcome: ParcelOutcome): void {
    let rejected = outcome.kind === "delivered" ? outcome.rejected : 0;
    for (const { ledger, points } of this.#shares) {
      ledger.queued -= points;
      switch (outcome.kind) {
        case "delivered": {
          const part = Math.min(rejected, points);
          ledger.delivered += points - part;
          ledger.rejected += part;
          rejected -= part;
          if (part > 0) this.#tell("target_rejected", outcome, ledger, part);
          break;
        }
        case "rejected":
          ledger.rejected += points;
          this.#tell(outcome.badData ? "bad_data" : "target_rejected", outcome, ledger, points);
          break;
        case "failed":
          if (this.#settlement !== undefined) {
            ledger.shedItems(outcome.reason, points); // its sender is told, and has it
            break;
          }
          ledger.lose(outcome.reason, points);
          this.#tell(outcome.reason, outcome, ledger, points);
          break;
      }
    }
  }

  #tell(reason: Reason, { message: said, target = "" }: ParcelOutcome, ledger: LedgerEntry, points: number): void {
    const { signal, pieces } = this;
    const { rule, pool } = ledger;
    const acknowledged = this.#settlement === undefined;
    this.#losses.tell({ signal, rule, pool, target, reason, said, points, acknowledged, pieces });
  }
}

/** Of what was routed. */
export const splitRouted: SplitParcel = (parcel, limits) =>
  parcel instanceof RoutedParcel ? parcel.cut(limits) : undefined;

/** The shares of the first `points`, and those of the rest. */
function divideShares(shares: readonly Share[], points: number): readonly [Share[], Share[]] {
  const first: Share[] = [];
  const second: Share[] = [];
  let left = points;
  for (const share of shares) {
    const taken = Math.min(left, share.points);
    const { ledger, copied } = share;
    if (taken > 0) first.push({ ledger, points: taken, copied });
    if (share.points > taken) second.push({ ledger, points: share.points - taken, copied });
    left -= taken;
  }
  return [first, second];
}
