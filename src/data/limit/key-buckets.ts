import { textBrief } from "../../core/bytes.ts";
import { type FleetLimit, bucketShares, type SafePart } from "../../plan/limits/bucket-shares.ts";
import { type BucketShare, DebtBucket } from "../../plan/limits/debt-bucket.ts";
import { compileLimitOf, type LimitOf, type LimitsData, namedKeys } from "../../plan/limits/limits-plan.ts";
import type { LimitShares } from "../../plan/limits/limit-shares.ts";
import { KeyBucket } from "./key-bucket.ts";

/** So many keys, and those with a name in the config, have a bucket of their own. About 10 MB. */
export const MOST_KEYS = 10_000;
/** What is longer is the same key when it begins alike. */
const LONGEST_KEY = 256;
/**
 * The key of those that have no bucket of their own, which share one. A sender that names it is one
 * of them; the config may give it a limit.
 */
export const OTHER_KEYS = "(others)";
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
    if (key === OTHER_KEYS) return this.#rest(limit, nowMs);
    if (this.#buckets.size >= this.#most && !this.#sweep(nowMs) && !this.#named.has(key)) {
      return this.#rest(limit, nowMs);
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
    const isFull = this.#buckets.size >= this.#most && !this.#named.has(key);
    if (key !== OTHER_KEYS && !isFull) return this.#open(key, limit, nowMs);
    return this.#others ?? this.#openRest(limit, nowMs);
  }

  /** Other limits of the same keys: what was used is used. */
  setLimits(data: LimitsData, nowMs: number): void {
    this.#limitOf = compileLimitOf(data);
    this.#named = namedKeys(data);
    this.generation++;
    if (this.#others !== undefined && !this.#limitAnew(this.#others, nowMs)) this.#others = undefined;
    for (const [key, one] of this.#buckets) {
      if (!this.#limitAnew(one, nowMs)) this.#buckets.delete(key);
    }
  }

  /** False: its key has no limit of its own any more. */
  #limitAnew(one: KeyBucket, nowMs: number): boolean {
    const limit = this.#limitOf(one.key);
    if (limit === undefined) return false;
    one.limit = limit;
    this.#share(one, nowMs);
    return true;
  }

  /** Several times a second: only buckets are touched whose shares are others now. */
  setShares(shares: LimitShares | undefined, nowMs: number): void {
    const before = this.#shares;
    this.#shares = shares;
    const hasSafe = shares !== undefined && shares.safe.part > 0 && shares.safe.untilMs > nowMs;
    if (!hasSafe) this.#safeSinceMs = Number.POSITIVE_INFINITY;
    else if (this.#safeSinceMs === Number.POSITIVE_INFINITY) this.#safeSinceMs = nowMs;
    if (before === undefined || shares === undefined || !isSameSafe(before.safe, shares.safe)) {
      for (const one of this.all) this.#share(one, nowMs);
      return;
    }
    for (const [key, lease] of shares.keys) if (before.keys.get(key) !== lease) this.#shareOf(key, nowMs);
    for (const key of before.keys.keys()) if (!shares.keys.has(key)) this.#shareOf(key, nowMs);
  }

  #shareOf(key: string, nowMs: number): void {
    const one = key === OTHER_KEYS ? this.#others : this.#buckets.get(key);
    if (one !== undefined) this.#share(one, nowMs);
  }

  #share({ key, limit, bucket }: KeyBucket, nowMs: number): void {
    bucket.setShares(this.#sharesOf(key, limit), nowMs);
  }

  /** Whoever comes first: the limit is that of all of them. */
  #rest(limit: FleetLimit, nowMs: number): KeyBucket {
    return (this.#others ??= this.#openRest(limit, nowMs));
  }

  #openRest(limit: FleetLimit, nowMs: number): KeyBucket {
    return this.#open(OTHER_KEYS, this.#limitOf(OTHER_KEYS) ?? limit, nowMs);
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

/** Nothing is nothing, whenever it ended. */
function isSameSafe(a: SafePart, b: SafePart): boolean {
  return a.part === b.part && (a.part === 0 || a.untilMs === b.untilMs);
}

/** In memory of its own: a part of a text keeps all of the text for as long as it lives. */
function beginningOf(text: string): string {
  return textBrief(text.slice(0, LONGEST_KEY)).toString("utf8").slice(0, LONGEST_KEY);
}
