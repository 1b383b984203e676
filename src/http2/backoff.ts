import type { Random } from "../core/random.ts";

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * How long to wait before connecting again after `failures` (1 or more) in a row: doubling, with
 * +-20 % jitter.
 */
export function backoffMs(failures: number, random: Random): number {
  const nominal = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return nominal * (0.8 + 0.4 * random.next());
}
