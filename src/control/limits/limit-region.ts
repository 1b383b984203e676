import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";
import { type HeldPart, isOvertaken, newerPart, tellHeld } from "./held-part.ts";
import { LimitAllocator, type LimitAllocatorOptions } from "./limit-allocator.ts";

/** A part that was granted, and the larger one that is given up for it. */
interface Lent {
  /** What the leader is told that the region uses. */
  held: HeldPart | undefined;
  /** Smaller: in use once collectors have given back what is above it. */
  next: HeldPart | undefined;
}

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

  /** To the leader, each interval and when its collectors want much more, or less. */
  ask(nowMs: number): LimitAsk {
    this.settle(nowMs);
    // Before it knows what collectors have of the controller before it, nothing is given back.
    const isLearning = this.allocator.isLearning(nowMs);
    return {
      to: this.#leader,
      wanted: this.allocator.wanted(nowMs),
      weight: this.#weight,
      lease: isLearning.lease ? undefined : tellHeld(this.#lease.held, nowMs),
      safe: isLearning.safe ? undefined : tellHeld(this.#safe.held, nowMs),
    };
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
      const next = newerPart(newest, part, { epoch, sentMs });
      if (next !== newest) lent.next = next;
    }
    this.settle(nowMs);
  }

  /** Takes over what it was granted, as far as others have given it back. */
  settle(nowMs: number): void {
    const outstanding = this.allocator.outstanding(nowMs);
    settleLent(this.#lease, outstanding.lease);
    settleLent(this.#safe, outstanding.safe);
    const [lease, safe] = [this.#lease, this.#safe].map(({ held, next }) => next ?? held);
    this.allocator.setLease(lease?.amount ?? 0, lease?.untilMs ?? nowMs);
    this.allocator.setSafe(safe?.amount ?? 0, safe?.untilMs ?? nowMs);
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
