import type { Random } from "../core/random.ts";

interface GrowingPause {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Between tries of what the store, or the way to it, did not let be done: each twice the last. */
const PAUSES = {
  /** Of a watch: whoever follows wants to go on. */
  watch: { firstMs: 50, longestMs: 5_000 },
  /** To take, keep and leave a lock or a leadership: others wait for it. */
  lock: { firstMs: 50, longestMs: 2_000 },
  /** To be listed in a registry. */
  member: { firstMs: 200, longestMs: 5_000 },
  /** To read a config that many follow. */
  config: { firstMs: 200, longestMs: 10_000 },
} as const satisfies Readonly<Record<string, GrowingPause>>;

/**
 * Until the next try, after so many that failed before the last one; with full jitter: many that
 * lost the store must not come back in step.
 */
export function pauseMs(of: keyof typeof PAUSES, failures: number, random: Random): number {
  const { firstMs, longestMs } = PAUSES[of];
  return random.next() * Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30));
}
