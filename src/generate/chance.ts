import type { Random } from "../core/random.ts";

/** An integer within [from, to]. */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random.next() * (to - from + 1));
}

/** One of the list, which must not be empty. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random.next() * list.length)]!;
}

/** True in `share` of the cases. */
export function chance(random: Random, share: number): boolean {
  return random.next() < share;
}
