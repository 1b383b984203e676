import type { Random } from "../../core/random.ts";

export interface JitterOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Until the next try, with full jitter: many that lost the store must not come back in step. */
export function jitterMs(attempt: number, { firstMs, longestMs }: JitterOptions, random: Random): number {
  return random.next() * Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 30));
}
