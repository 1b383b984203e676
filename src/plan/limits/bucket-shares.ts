import type { BucketShare } from "./debt-bucket.ts";

/** Of the fleet, or of one key in it: items a second, and how many at once. */
export interface FleetLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** What a node has of the whole limit for when it can ask nobody, as a part of that limit. */
export interface SafePart {
  readonly part: number;
  readonly untilMs: number;
}

/** A lease of the limit. */
export interface LeasedPart {
  readonly amount: number;
  readonly untilMs: number;
}

/**
 * For the bucket of a limit, be it of one key. Without a lease the node has the same part of it as
 * it has of the whole limit at all times: those parts never add up to more than is set aside for
 * them, whoever joins.
 */
export function bucketShares(limit: FleetLimit, safe: SafePart, lease: LeasedPart | undefined): BucketShare[] {
  const of = (amount: number, untilMs: number): BucketShare => ({
    perSecond: amount,
    burst: (limit.burst * amount) / limit.perSecond,
    untilMs,
  });
  const always = safe.part * limit.perSecond;
  const leased = lease?.amount ?? 0;
  const ends =
    lease === undefined ? [safe.untilMs] : [...new Set([lease.untilMs, safe.untilMs])].toSorted((a, b) => a - b);
  return ends
    .map((untilMs) => {
      const isLeased = lease !== undefined && untilMs <= lease.untilMs;
      return of((isLeased ? leased : 0) + (untilMs <= safe.untilMs ? always : 0), untilMs);
    })
    .filter(({ perSecond }) => perSecond > 0);
}
