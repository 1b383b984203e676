import { RANDOMNESS_BUCKETS, type RandomnessSeen } from "../../plan/sampling/randomness-check.ts";
import type { ItemDecider } from "./item-decider.ts";

/** So many services are counted of, and the rest is not: about 40 KB. */
const MOST_SERVICES = 200;
/** From then on what is old counts half. */
const MOST_COUNTED = 65_536;

interface CountedService {
  readonly buckets: Float64Array;
  counted: number;
  /** What was counted last: spans of one trace come together, and have one randomness. */
  hi: number;
  lo: number;
}

/**
 * How the randomness of some of the spans that come is spread, by service: one in 64 is looked at,
 * where sampling decides by it. One for all signals and plans of a process.
 */
export class RandomnessCounts {
  readonly #services = new Map<string, CountedService>();

  /** Of the span that was decided last. */
  add(service: string, { arrival, random: { hi, lo } }: Pick<ItemDecider, "arrival" | "random">): void {
    // What came thinned is what a threshold has left: its randomness is large.
    if (arrival !== 1) return;
    const its = this.#services.get(service) ?? this.#begin(service);
    if (its === undefined || (its.lo === lo && its.hi === hi)) return;
    its.hi = hi;
    its.lo = lo;
    its.buckets[hi >>> BUCKET_SHIFT]!++;
    if (++its.counted >= MOST_COUNTED) halve(its);
  }

  get seen(): readonly RandomnessSeen[] {
    return Array.from(this.#services, ([service, { buckets }]) => ({ service, buckets: [...buckets] }));
  }

  /** Undefined: there are enough. */
  #begin(service: string): CountedService | undefined {
    if (this.#services.size >= MOST_SERVICES) return undefined;
    const fresh = { buckets: new Float64Array(RANDOMNESS_BUCKETS), counted: 0, hi: -1, lo: -1 };
    this.#services.set(service, fresh);
    return fresh;
  }
}

/** Of the upper 24 of 56 bits the first four say the part. */
const BUCKET_SHIFT = 20;

function halve(its: CountedService): void {
  for (let i = 0; i < its.buckets.length; i++) its.buckets[i] = Math.floor(its.buckets[i]! / 2);
  its.counted = its.buckets.reduce((sum, one) => sum + one, 0);
}
