import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";
import { bucketShares, type FleetLimit, type LeasedPart, type SafePart } from "../../plan/limits/bucket-shares.ts";
import type { BucketShare } from "../../plan/limits/debt-bucket.ts";
import { type HeldPart, isOvertaken, newerPart, tellHeld, usableOf } from "./held-part.ts";

/** A node that has parts of a limit. Time is an argument. */
export class LimitHolder {
  #lease: HeldPart | undefined;
  #safe: HeldPart | undefined;
  #controller: string | undefined;
  #limit: number | undefined;

  /** `controller`: whom it asks first, where that is known. */
  constructor(controller?: string) {
    this.#controller = controller;
  }

  /** The whole limit, items a second, as it is known here now. */
  setLimit(perSecond: number): void {
    this.#limit = perSecond;
  }

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
    // It lasts for so long that the limit may be another one meanwhile.
    this.#safe = newerPart(this.#safe, safe, { epoch, sentMs, of: this.#limit });
  }

  /** What it may use now, items a second. */
  amountAt(nowMs: number): number {
    return partAt(this.#lease, nowMs) + this.#safeAt(nowMs, this.#limit);
  }

  /** By demand. */
  leased(nowMs: number): LeasedPart | undefined {
    return partAt(this.#lease, nowMs) > 0 ? this.#lease : undefined;
  }

  /** For its bucket: bursts are shared out as the limit is. */
  shares(limit: FleetLimit, nowMs: number): BucketShare[] {
    return bucketShares(limit, this.safePart(limit, nowMs), this.leased(nowMs));
  }

  /** Also of each key that nothing is leased of. */
  safePart({ perSecond }: FleetLimit, nowMs: number): SafePart {
    return { part: this.#safeAt(nowMs, perSecond) / perSecond, untilMs: this.#safe?.untilMs ?? nowMs };
  }

  #safeAt(nowMs: number, limit: number | undefined): number {
    const safe = this.#safe;
    return safe !== undefined && safe.untilMs > nowMs ? usableOf(safe, limit) : 0;
  }
}

function partAt(part: HeldPart | undefined, nowMs: number): number {
  return part !== undefined && part.untilMs > nowMs ? part.amount : 0;
}
