import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";
import type { BucketShare } from "../../plan/limits/debt-bucket.ts";
import { type HeldPart, isOvertaken, newerPart, tellHeld } from "./held-part.ts";

export interface FleetLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** A node that has parts of a limit. Time is an argument. */
export class LimitHolder {
  #lease: HeldPart | undefined;
  #safe: HeldPart | undefined;
  #controller: string | undefined;

  ask(wanted: number, nowMs: number, weight = 1): LimitAsk {
    return {
      to: this.#controller,
      wanted,
      weight,
      lease: tellHeld(this.#lease, nowMs),
      safe: tellHeld(this.#safe, nowMs),
    };
  }

  answered({ epoch, lease, safe }: LimitGrant, sentMs: number): void {
    if (isOvertaken(epoch, this.#controller)) return;
    this.#controller = epoch;
    this.#lease = newerPart(this.#lease, lease, { epoch, sentMs });
    this.#safe = newerPart(this.#safe, safe, { epoch, sentMs });
  }

  /** What it may use now, items a second. */
  amountAt(nowMs: number): number {
    return partAt(this.#lease, nowMs) + partAt(this.#safe, nowMs);
  }

  /** For its bucket: bursts are shared out as the limit is. */
  shares({ perSecond, burst }: FleetLimit, nowMs: number): BucketShare[] {
    const safe = partAt(this.#safe, nowMs);
    const of = (amount: number, untilMs: number): BucketShare => ({
      perSecond: amount,
      burst: (burst * amount) / perSecond,
      untilMs,
    });
    const [lease, safeUntilMs] = [this.#lease, this.#safe?.untilMs ?? nowMs];
    const shares: BucketShare[] = [];
    if (lease !== undefined && lease.untilMs > nowMs) {
      // The long one ends first only when nobody has been asked for a day.
      const firstMs = safe > 0 ? Math.min(lease.untilMs, safeUntilMs) : lease.untilMs;
      shares.push(of(lease.amount + safe, firstMs));
      if (firstMs < lease.untilMs) shares.push(of(lease.amount, lease.untilMs));
    }
    if (safe > 0) shares.push(of(safe, safeUntilMs));
    return shares;
  }
}

function partAt(part: HeldPart | undefined, nowMs: number): number {
  return part !== undefined && part.untilMs > nowMs ? part.amount : 0;
}
