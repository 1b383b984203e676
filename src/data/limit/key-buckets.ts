import { textBrief } from "../../core/bytes.ts";
import { type FleetLimit, bucketShares } from "../../plan/limits/bucket-shares.ts";
import { type BucketShare, DebtBucket } from "../../plan/limits/debt-bucket.ts";
import { compileLimitOf, type LimitOf, type LimitsData, namedKeys } from "../../plan/limits/limits-plan.ts";
import type { LimitShares } from "../../plan/limits/limit-shares.ts";
import { KeyBucket } from "./key-bucket.ts";

/** So many keys, and those with a name in the config, have a bucket of their own. About 10 MB. */
export const MOST_KEYS = 10_000;
/** What is longer is the same key when it begins alike. */
const LONGEST_KEY = 256;
/** Those for which there is no bucket of their own. */
const OTHERS = "(others)";
/** Between two looks for keys that are not used any more, when there is no room. */
const SWEEP_MS = 1_000;

/** The buckets of keys that have a limit of their own. */
export class KeyBuckets {
  /** Counts up when buckets are gone that caches may have. */
  generation = 0;
  readonly #most: number;
  readonly #buckets = new Map<string, KeyBucket>();
  #limitOf: LimitOf;
  /** Those that the config names: whatever else comes, they have a bucket of their own. */
  #named: ReadonlySet<string>;
  #others: KeyBucket | undefined;
  /** Undefined: all of the limits. */
  #shares: LimitShares | undefined;
  /** Since when it has a safe share of any key. */
  #safeSinceMs = Number.POSITIVE_INFINITY;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(data: LimitsData, most = MOST_KEYS) {
    this.#limitOf = compileLimitOf(data);
    this.#named = namedKeys(data);
    this.#most = most;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** With the one that the rest shares. */
  get all(): readonly KeyBucket[] {
    return this.#others === undefined ? [...this.#buckets.values()] : [...this.#buckets.values(), this.#others];
  }

  /** Undefined: the key has no limit of its own. */
  find(text: string, nowMs: number): KeyBucket | undefined {
    const key = text.length > LONGEST_KEY ? beginningOf(text) : text;
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const limit = this.#limitOf(key);
    if (limit === undefined) return undefined;
    if (this.#buckets.size >= this.#most && !this.#sweep(nowMs) && !this.#named.has(key)) {
      return (this.#others ??= this.#open(OTHERS, limit, nowMs));
    }
    const fresh = this.#open(key, limit, nowMs);
    this.#buckets.set(key, fresh);
    return fresh;
  }

  /** As `find`, and a key that is new is not remembered. */
  peek(text: string, nowMs: number): KeyBucket | undefined {
    const key = text.length > LONGEST_KEY ? beginningOf(text) : text;
    const known = this.#buckets.get(key);
    const limit = known === undefined ? this.#limitOf(key) : known.limit;
    if (known !== undefined || limit === undefined) return known;
    const isOther = this.#buckets.size >= this.#most && !this.#named.has(key);
    return (isOther ? this.#others : undefined) ?? this.#open(isOther ? OTHERS : key, limit, nowMs);
  }

  /** Other limits of the same keys: what was used is used. */
  setLimits(data: LimitsData, nowMs: number): void {
    this.#limitOf = compileLimitOf(data);
    this.#named = namedKeys(data);
    this.generation++;
    this.#others = undefined;
    for (const [key, one] of this.#buckets) {
      const limit = this.#limitOf(key);
      if (limit === undefined) this.#buckets.delete(key);
      else {
        one.limit = limit;
        one.bucket.setShares(this.#sharesOf(key, limit), nowMs);
      }
    }
  }

  setShares(shares: LimitShares | undefined, nowMs: number): void {
    this.#shares = shares;
    const hasSafe = shares !== undefined && shares.safe.part > 0 && shares.safe.untilMs > nowMs;
    if (!hasSafe) this.#safeSinceMs = Number.POSITIVE_INFINITY;
    else if (this.#safeSinceMs === Number.POSITIVE_INFINITY) this.#safeSinceMs = nowMs;
    for (const one of this.all) one.bucket.setShares(this.#sharesOf(one.key, one.limit), nowMs);
  }

  #sharesOf(key: string, limit: FleetLimit): readonly BucketShare[] {
    const shares = this.#shares;
    if (shares === undefined) return [{ ...limit, untilMs: Number.POSITIVE_INFINITY }];
    return bucketShares(limit, shares.safe, shares.keys.get(key));
  }

  /** With what a bucket has that nobody has taken from for as long as there is something in it. */
  #open(key: string, limit: FleetLimit, nowMs: number): KeyBucket {
    const shares = this.#sharesOf(key, limit);
    const tokens = this.#shares === undefined ? limit.burst : this.#savedUp(limit, nowMs);
    return new KeyBucket(key, limit, new DebtBucket(nowMs, shares, tokens));
  }

  /** Of the safe share, since it is there. */
  #savedUp({ perSecond, burst }: FleetLimit, nowMs: number): number {
    const part = this.#shares?.safe.part ?? 0;
    const seconds = Math.max(0, nowMs - this.#safeSinceMs) / 1_000;
    return part * Math.min(burst, perSecond * seconds);
  }

  /** False: all of them are used. */
  #sweep(nowMs: number): boolean {
    if (nowMs - this.#sweptMs < SWEEP_MS) return false;
    this.#sweptMs = nowMs;
    const before = this.#buckets.size;
    for (const [key, one] of this.#buckets) if (one.isIdle(nowMs)) this.#buckets.delete(key);
    if (this.#buckets.size === before) return false;
    this.generation++;
    return true;
  }
}

/** In memory of its own: a part of a text keeps all of the text for as long as it lives. */
function beginningOf(text: string): string {
  return textBrief(text.slice(0, LONGEST_KEY)).toString("utf8").slice(0, LONGEST_KEY);
}
