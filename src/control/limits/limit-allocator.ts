import type { LimitAsk, LimitGrant, LimitHeld } from "../../plan/limits/limit-lease.ts";
import { type Epoch, formatEpoch, parseEpoch } from "../../store/recipes/epoch.ts";
import { type GrantedShare, type HeldShare, ShareBook, type ShareRequest } from "../region/shares.ts";
import { waterLevel } from "./max-min.ts";

/** Of a limit, what is given to holders for when they can ask nobody. */
export const SAFE_PART = 0.03;
export const LIMIT_LEASE_MS = 15_000;
/**
 * A holder that is cut off for so long has nothing more. It is also for how long a new leader gives
 * none to those who had none, since it does not know who is cut off.
 */
export const SAFE_LEASE_MS = 3_600_000;
/** A safe part is granted anew when half of its time is over, or when it is so far off. */
const SAFE_BAND = 0.1;
/** Of what nobody wants, what is given out all the same, so that more may come at once. */
const HEADROOM = 0.5;
/** Of an even share, what everybody has. */
const LEAST_PART = 0.005;
/** The level is worked out no more often: its cost grows with the holders. */
const LEVEL_MS = 250;
/** Of so few it is worked out anew as soon as one of them wants so much more, or less. */
const FEW = 64;
const OTHER = 0.1;
const HALF = 0.5;

export interface LimitAllocatorOptions {
  readonly epoch: Epoch;
  /** When this one began to lead: what was granted before is learnt from its holders. */
  readonly sinceMs: number;
  readonly leaseMs?: number;
  readonly safeLeaseMs?: number;
  /** Nobody has led before it: there is nothing to learn. */
  readonly isFirst?: boolean;
}

interface Want {
  readonly wanted: number;
  readonly weight: number;
  readonly atMs: number;
}

/**
 * Shares one limit out, of the fleet to its regions or of a region to its collectors: by weighted
 * max-min of what they want, raised only out of what was given back or is over. Time is an
 * argument.
 */
export class LimitAllocator {
  readonly #epoch: string;
  readonly #leaseMs: number;
  readonly #safeLeaseMs: number;
  readonly #leases: ShareBook;
  readonly #safes: ShareBook;
  readonly #wants = new Map<string, Want>();

  /** Of all wants. */
  #wanted = 0;
  #sweptMs = Number.NEGATIVE_INFINITY;
  #leaseTotal = 0;
  #safeTotal = 0;
  #level = { atMs: Number.NEGATIVE_INFINITY, level: 0, headroom: 0 };

  constructor({ epoch, sinceMs, isFirst = false, ...options }: LimitAllocatorOptions) {
    const { leaseMs = LIMIT_LEASE_MS, safeLeaseMs = SAFE_LEASE_MS } = options;
    const learned = (ms: number): number => (isFirst ? sinceMs : sinceMs + ms);

    this.#epoch = formatEpoch(epoch);
    this.#leaseMs = leaseMs;
    this.#safeLeaseMs = safeLeaseMs;
    this.#leases = new ShareBook({ epoch, leaseMs, learnedAtMs: learned(leaseMs) });
    this.#safes = new ShareBook({ epoch, leaseMs: safeLeaseMs, learnedAtMs: learned(safeLeaseMs) });
  }

  /** What is shared out by demand; no part of it outlives it. */
  setLease(amount: number, untilMs = Number.POSITIVE_INFINITY): void {
    if (amount !== this.#leaseTotal) this.#level.atMs = Number.NEGATIVE_INFINITY;
    this.#leaseTotal = amount;
    this.#leases.setTotal(amount, untilMs);
  }

  /** What is shared out for when nobody can be asked. */
  setSafe(amount: number, untilMs = Number.POSITIVE_INFINITY): void {
    this.#safeTotal = amount;
    this.#safes.setTotal(amount, untilMs);
  }

  isLearning(nowMs: number): { readonly lease: boolean; readonly safe: boolean } {
    return { lease: this.#leases.isLearning(nowMs), safe: this.#safes.isLearning(nowMs) };
  }

  /** What holders may believe to have, at most. */
  outstanding(nowMs: number): { readonly lease: number; readonly safe: number } {
    return { lease: this.#leases.outstanding(nowMs), safe: this.#safes.outstanding(nowMs) };
  }

  /** What all holders want together, in the time of one lease. */
  wanted(nowMs: number): number {
    if (nowMs - this.#sweptMs >= LEVEL_MS) this.#sweep(nowMs);
    return Math.max(0, this.#wanted); // differences of fractions may leave less than nothing
  }

  ask(holder: string, { to, wanted, weight, lease, lent, safe }: LimitAsk, nowMs: number): LimitGrant {
    const epoch = this.#epoch;
    const before = this.#wants.get(holder)?.wanted ?? 0;
    this.#want(holder, { wanted, weight, atMs: nowMs });
    const known = to === undefined ? undefined : parseEpoch(to);
    // It learns who leads; the next ask may be granted something.
    if (known === undefined) return { epoch, lease: undefined, safe: undefined };
    // Who wants much less gives all of the rest back, which others may want; some comes with its
    // next ask.
    const fair = this.#fairShare({ wanted, weight }, { nowMs, hasHeadroom: wanted >= HALF * before });
    const most = Math.max(fair, Math.min(lent ?? 0, lease?.amount ?? 0));
    const granted = this.#leases.grant({ holder, wanted: most, held: heldOf(lease), to: known }, nowMs);
    return { epoch, lease: granted, safe: this.#safe({ holder, held: heldOf(safe), to: known }, nowMs) };
  }

  /** It wants more, and is granted nothing: what it has ends with its time. */
  told(holder: string, { to, lease }: LimitAsk, nowMs: number): void {
    this.#wantNothing(holder);
    const known = to === undefined ? undefined : parseEpoch(to);
    if (known !== undefined) this.#leases.told({ holder, held: heldOf(lease), to: known }, nowMs);
  }

  /** It said goodbye and uses nothing any more. */
  leave(holder: string, nowMs: number): void {
    this.#wantNothing(holder);
    this.#leases.release(holder, nowMs);
    this.#safes.release(holder, nowMs);
  }

  #want(holder: string, want: Want): void {
    const before = this.#wants.get(holder)?.wanted;
    this.#wants.set(holder, want);
    this.#wanted += want.wanted - (before ?? 0);
    const isOther = before === undefined || Math.abs(want.wanted - before) > OTHER * Math.max(want.wanted, before);
    if (isOther && this.#wants.size <= FEW) this.#level.atMs = Number.NEGATIVE_INFINITY;
  }

  #wantNothing(holder: string): void {
    this.#wanted -= this.#wants.get(holder)?.wanted ?? 0;
    this.#wants.delete(holder);
  }

  /** Evenly: nobody knows what somebody will want who is cut off. */
  #safe({ holder, held, to }: Omit<ShareRequest, "wanted">, nowMs: number): GrantedShare | undefined {
    const even = this.#safeTotal / Math.max(1, this.#wants.size);
    const isNear = held !== undefined && Math.abs(held.amount - even) <= SAFE_BAND * even;
    if (isNear && held.validForMs > this.#safeLeaseMs / 2 && formatEpoch(held.epoch) === this.#epoch) {
      this.#safes.told({ holder, held, to }, nowMs);
      return undefined;
    }
    return this.#safes.grant({ holder, wanted: even, held, to }, nowMs);
  }

  #fairShare(
    { wanted, weight }: Pick<Want, "wanted" | "weight">,
    { nowMs, hasHeadroom }: { readonly nowMs: number; readonly hasHeadroom: boolean },
  ): number {
    if (nowMs - this.#level.atMs >= LEVEL_MS) this.#workOut(nowMs);
    const { level, headroom } = this.#level;
    // Whoever wants nothing is granted a little: that is how the rest comes back before its end.
    const least = (LEAST_PART * this.#leaseTotal) / Math.max(1, this.#wants.size);
    return Math.max(least, Math.min(wanted, level * weight) + (hasHeadroom ? headroom * weight : 0));
  }

  #workOut(nowMs: number): void {
    this.#sweep(nowMs);
    const parts = [...this.#wants.values()];
    const level = waterLevel(this.#leaseTotal, parts);
    const weights = parts.reduce((sum, { weight }) => sum + weight, 0);
    const left = this.#leaseTotal - this.#wanted;
    const headroom = level === Number.POSITIVE_INFINITY && weights > 0 ? (HEADROOM * left) / weights : 0;
    this.#level = { atMs: nowMs, level, headroom };
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    this.#wanted = 0;
    for (const [holder, { atMs, wanted }] of this.#wants) {
      if (nowMs - atMs > this.#leaseMs) this.#wants.delete(holder);
      else this.#wanted += wanted;
    }
  }
}

function heldOf(held: LimitHeld | undefined): HeldShare | undefined {
  const epoch = held === undefined ? undefined : parseEpoch(held.epoch);
  if (held === undefined || epoch === undefined) return undefined;
  return { amount: held.amount, validForMs: held.validForMs, seq: held.seq, epoch };
}
