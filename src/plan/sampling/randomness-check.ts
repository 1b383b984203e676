/** Parts of the same size of all randomness values, from the smallest on. */
export const RANDOMNESS_BUCKETS = 16;

/** Of one service: how many of the spans that were looked at have a randomness in each part. */
export interface RandomnessSeen {
  readonly service: string;
  readonly buckets: readonly number[];
}

/** `unknown`: too few were seen to tell. */
export type RandomnessVerdict = "uniform" | "skewed" | "unknown";

export interface RandomnessCheck {
  readonly verdict: RandomnessVerdict;
  /** Spans that were looked at. */
  readonly seen: number;
  /** Pearson's chi-square against parts of the same size, with 15 degrees of freedom. */
  readonly chiSquare: number;
  /** Share of the spans that are in another part than they would be: 0 even, near 1 all in one. */
  readonly distance: number;
  /** Share of the spans in the part where most are, and which part that is: from 0 on. */
  readonly largest: { readonly bucket: number; readonly share: number };
}

/** Fewer tell nothing. */
const LEAST_SEEN = 1_000;
/** With 15 degrees of freedom, chance alone is above this once in 10^12 times. */
const LARGE_CHI_SQUARE = 93;
/** Spans of one trace have one randomness, so chance makes more of a difference than it should. */
const LARGE_DISTANCE = 0.15;

/**
 * Whether the randomness of a service's spans is spread evenly, which consistent sampling takes for
 * granted: where it is not, a rate of 10 % keeps something else. Skewed is what is far from even,
 * beyond any doubt.
 */
export function checkRandomness(buckets: readonly number[]): RandomnessCheck {
  const seen = buckets.reduce((sum, one) => sum + one, 0);
  const even = seen / buckets.length;
  const chiSquare = seen === 0 ? 0 : buckets.reduce((sum, one) => sum + (one - even) ** 2 / even, 0);
  const distance = seen === 0 ? 0 : buckets.reduce((sum, one) => sum + Math.abs(one - even), 0) / (2 * seen);
  const most = Math.max(...buckets);
  const largest = { bucket: buckets.indexOf(most), share: seen === 0 ? 0 : most / seen };
  const isSkewed = chiSquare > LARGE_CHI_SQUARE && distance > LARGE_DISTANCE;
  const verdict = seen < LEAST_SEEN ? "unknown" : isSkewed ? "skewed" : "uniform";
  return { verdict, seen, chiSquare, distance, largest };
}

/** What several processes have seen, together. */
export function mergeRandomness(all: readonly (readonly RandomnessSeen[])[]): RandomnessSeen[] {
  const merged = new Map<string, number[]>();
  for (const { service, buckets } of all.flat()) {
    const known = merged.get(service);
    if (known === undefined) merged.set(service, [...buckets]);
    else for (const [i, count] of buckets.entries()) known[i] = (known[i] ?? 0) + count;
  }
  return Array.from(merged, ([service, buckets]) => ({ service, buckets }));
}
