import type { Random } from "../../core/random.ts";

/** What a controller takes on in a second: the handshakes of so many, and its own work beside. */
export const NEW_CONNECTIONS_A_SECOND = 150;

const FIRST_MS = 500;
/** Whoever leads next is found within some seconds: those who may know are asked so often. */
const SEARCH_MS = 3_000;
/** Also of the largest region, and of those who are refused again and again. */
const LONGEST_MS = 120_000;
/** Fewer than may come, so that those who were refused once are not refused again. */
const SHARE = 0.8;

/**
 * Until a collector tries a controller again, with full jitter. All of a region lose theirs at the
 * same moment: they come back over the time in which it can take them all, which is short in a
 * small region. `refused`: it is there, and does not want this node.
 */
export function reconnectDelayMs(
  attempt: number,
  collectors: number,
  random: Random,
  why: "lost" | "refused" = "lost",
): number {
  const longestMs = why === "refused" ? LONGEST_MS : SEARCH_MS;
  const backoffMs = Math.min(longestMs, FIRST_MS * 2 ** Math.min(attempt, 30));
  const regionMs = (collectors / (NEW_CONNECTIONS_A_SECOND * SHARE)) * 1_000;
  return random.next() * Math.min(LONGEST_MS, Math.max(backoffMs, regionMs));
}
