import type { Random } from "../../core/random.ts";

const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;

/** In milliseconds, both ends included. */
export interface DelayRange {
  readonly least: number;
  readonly most: number;
}

/**
 * What senders are told to wait whose requests were over a limit. All who are told at once would
 * come back at once: they are spread over as much time again.
 */
export function retryRange(waitMs: number): DelayRange {
  const least = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, waitMs));
  return { least: Math.round(least), most: Math.round(2 * least) };
}

/** What one of them is told. */
export function retryDelayMs(waitMs: number, random: Random): number {
  const { least, most } = retryRange(waitMs);
  return Math.round(least + (most - least) * random.next());
}
