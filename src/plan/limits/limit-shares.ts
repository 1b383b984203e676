import type { LeasedPart, SafePart } from "./bucket-shares.ts";
import type { BucketShare } from "./debt-bucket.ts";

/**
 * What a data plane may let in while the limits are not its own alone. Ends are by the clock of the
 * process that it is in.
 */
export interface LimitShares {
  /** Of everything together, one after the other. */
  readonly total: readonly BucketShare[];
  /** Of each key that nothing is leased of. */
  readonly safe: SafePart;
  readonly keys: ReadonlyMap<string, LeasedPart>;
}

/** One limit, and what is done with it; all of them items a second. */
export interface LimitUsage {
  readonly limit: number;
  /** What may be let in now of it. */
  readonly granted: number;
  /** The most of the last seconds that came in one: what is asked for. */
  readonly wanted: number;
  /** Of the last second: what came, and what was let in of it. */
  readonly offered: number;
  readonly used: number;
  /** Items that were refused or shed since the start. */
  readonly shed: number;
}

export interface KeyUsage extends LimitUsage {
  readonly key: string;
}

/** What a data plane tells of its limits; keys are those nearest to theirs. */
export interface LimitsUsage {
  readonly total: LimitUsage & { readonly burst: number };
  readonly keys: readonly KeyUsage[];
  /**
   * How many keys there are, with those that are not told; of several workers, how many there are
   * at least.
   */
  readonly keyCount: number;
}
