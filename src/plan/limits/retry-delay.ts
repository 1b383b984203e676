import type { Random } from "../../core/random.ts";

const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * What a sender is told to wait whose request was over a limit. All who are told at once would come
 * back at once: they are spread over as much time again.
 */
export function retryDelayMs(waitMs: number, random: Random): number {
  const leastMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, waitMs));
  return Math.round(leastMs * (1 + random.next()));
}
