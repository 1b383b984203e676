import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";
import { type HeldPart, isOvertaken, newerPart, tellHeld, usableOf } from "./held-part.ts";
import { LimitAllocator, type LimitAllocatorOptions } from "./limit-allocator.ts";

/** A part that was granted, and the larger one that is given up for it. */
interface Lent {
  /** What the leader is told that the region uses. */
  held: HeldPart | undefined;
  /** Smaller: in use once collectors have given back what is above it. */
  next: HeldPart | undefined;
}

/** What the leader heard last. */
interface ToldLeader {
  readonly wanted: number;
  readonly held: number;
  /** It could do with so much; undefined: with what it had. */
  readonly lent: number | undefined;
}

/** What it has nearly, and what it has hardly. */
const NEARLY = 0.95;
const HALF = 0.5;

/**
 * A region between the leader and its collectors. What it has it lends on, and it gives a part back
 * only when its collectors have. Time is an argument.
 */
export class LimitRegion {
  readonly allocator: LimitAllocator;
  readonly #weight: number;
  readonly #lease: Lent = { held: undefined, next: undefined };
  readonly #safe: Lent = { held: undefined, next: undefined };
  #leader: string | undefined;
  #limit: number | undefined;
  #told: ToldLeader | undefined;
  /** Of what it was granted, what it is to lend on: the rest is what has not come back yet. */
  #toLend = 0;

  /** `leader`: whom it asks first, where that is known. */
  constructor(options: LimitAllocatorOptions, weight = 1, leader?: string) {
    this.allocator = new LimitAllocator(options);
    this.#weight = weight;
    this.#leader = leader;
  }

  /** Who has answered last. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** The whole limit, items a second, as it is known here now. */
  setLimit(perSecond: number | undefined): void {
    this.#limit = perSecond;
  }

  /** To the leader, each interval and when its collectors want much more, or less. */
  ask(nowMs: number): LimitAsk {
    this.settle(nowMs);
    // Before it knows what collectors have of the controller before it, nothing is given back.
    const isLearning = this.allocator.isLearning(nowMs);
    const [wanted, lent] = [this.allocator.wanted(nowMs), this.#lent(nowMs)];
    const held = this.#lease.held?.amount ?? 0;
    this.#told = { wanted, held, lent };
    return {
      to: this.#leader,
      wanted,
      weight: this.#weight,
      lease: isLearning.lease ? undefined : tellHeld(this.#lease.held, nowMs),
      lent: isLearning.lease ? undefined : lent,
      safe: isLearning.safe ? undefined : tellHeld(this.#safe.held, nowMs),
    };
  }

  /** Of what the leader was told it has, much less is used now: others can have the rest. */
  givesBack(nowMs: number): boolean {
    const told = this.#told;
    if (told === undefined) return false;
    this.settle(nowMs);
    const held = this.#lease.held?.amount ?? 0;
    return held < HALF * told.held || (this.#lent(nowMs) ?? held) < HALF * (told.lent ?? told.held);
  }

  /** More is wanted than it has, or much less, and the leader was told otherwise. */
  wantsOther(nowMs: number): boolean {
    const told = this.#told;
    if (told === undefined) return false;
    const [wanted, had] = [this.allocator.wanted(nowMs), this.#granted];
    return (wanted > had && told.wanted <= had) || wanted < HALF * Math.min(told.wanted, had);
  }

  /** It has less than is wanted of it. */
  isShort(nowMs: number): boolean {
    return this.#granted < NEARLY * this.allocator.wanted(nowMs);
  }

  /** `sentMs`: when the ask was sent that it answers. */
  answered({ epoch, lease, safe }: LimitGrant, sentMs: number, nowMs: number): void {
    if (isOvertaken(epoch, this.#leader)) return;
    this.#leader = epoch;
    for (const [lent, part] of [
      [this.#lease, lease],
      [this.#safe, safe],
    ] as const) {
      const newest = lent.next ?? lent.held;
      const next = newerPart(newest, part, { epoch, sentMs, of: this.#limit });
      if (next === newest || next === undefined) continue;
      lent.next = next;
      if (lent === this.#lease) this.#toLend = this.#isForWhatIsLent(next.amount) ? this.#toLend : next.amount;
    }
    this.settle(nowMs);
  }

  get #granted(): number {
    const { held, next } = this.#lease;
    return (next ?? held)?.amount ?? 0;
  }

  /** So much was asked for since it has not come back, and no more would have been granted. */
  #isForWhatIsLent(amount: number): boolean {
    const lent = this.#told?.lent;
    return lent !== undefined && amount <= lent && this.#toLend < amount;
  }

  /** Of more than it was granted last, what has not come back; undefined: nearly all of it. */
  #lent(nowMs: number): number | undefined {
    const { held, next } = this.#lease;
    if (held === undefined || next === undefined) return undefined;
    const { lease } = this.allocator.outstanding(nowMs);
    return lease > next.amount && lease < NEARLY * held.amount ? lease : undefined;
  }

  /** Takes over what it was granted, as far as others have given it back. */
  settle(nowMs: number): void {
    const outstanding = this.allocator.outstanding(nowMs);
    settleLent(this.#lease, outstanding.lease);
    settleLent(this.#safe, outstanding.safe);
    const [lease, safe] = [this.#lease, this.#safe].map(({ held, next }) => next ?? held);
    this.allocator.setLease(Math.min(this.#toLend, lease?.amount ?? 0), lease?.untilMs ?? nowMs);
    this.allocator.setSafe(safe === undefined ? 0 : usableOf(safe, this.#limit), safe?.untilMs ?? nowMs);
  }
}

/**
 * Not by time alone: something may have been lent on under a part between the two, which was
 * overtaken. Until then the leader is told of the larger one, and of none once that is over.
 */
function settleLent(lent: Lent, outstanding: number): void {
  const { next } = lent;
  if (next === undefined || outstanding > next.amount) return;
  lent.held = next;
  lent.next = undefined;
}
