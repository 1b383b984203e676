import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";
import type { LimitAllocator } from "./limit-allocator.ts";

/** Keys of a region whose limits are shared out exactly; the rest has a static share. */
export const MOST_HOT_KEYS = 200;
/** A key that is hot stays so while it is not this much less than one that is not. */
const STAYING = 1.25;

/** What is offered of one key, and what may be let in of it, items a second. */
export interface OfferedKey {
  readonly key: string;
  readonly offered: number;
  readonly limit: number;
}

/**
 * Those that are nearest to their limits, or farthest above. `before`: those that were; they do not
 * change places with others for little.
 */
export function hotKeys(
  offered: readonly OfferedKey[],
  before: ReadonlySet<string>,
  most = MOST_HOT_KEYS,
): ReadonlySet<string> {
  const ranked = offered
    .filter((one) => one.offered > 0 && one.limit > 0)
    .map((one) => ({ key: one.key, rank: (one.offered / one.limit) * (before.has(one.key) ? STAYING : 1) }))
    .toSorted((a, b) => b.rank - a.rank || (a.key < b.key ? -1 : 1));
  return new Set(ranked.slice(0, most).map(({ key }) => key));
}

/**
 * Something for each hot key: an allocator, or a region's part. What is hot no more stays until
 * nobody may believe to have any of it; while that is as many again as may be hot, others wait for
 * it.
 */
export class PerHotKey<T> {
  readonly #make: (key: string) => T;
  readonly #isIdle: (one: T, nowMs: number) => boolean;
  readonly #all = new Map<string, T>();
  #hot: ReadonlySet<string> = new Set();

  constructor(make: (key: string) => T, isIdle: (one: T, nowMs: number) => boolean) {
    this.#make = make;
    this.#isIdle = isIdle;
  }

  get hot(): ReadonlySet<string> {
    return this.#hot;
  }

  /** How many there are, with those that are hot no more. */
  get size(): number {
    return this.#all.size;
  }

  /** Also of one that is hot no more, and of which somebody may have something to give back. */
  known(key: string): T | undefined {
    return this.#all.get(key);
  }

  /** Also those that are hot no more. */
  each(what: (key: string, one: T) => void): void {
    for (const [key, one] of this.#all) what(key, one);
  }

  setOffered(offered: readonly OfferedKey[], nowMs: number, most = MOST_HOT_KEYS): void {
    this.#hot = hotKeys(offered, this.#hot, most);
    for (const [key, one] of this.#all) if (!this.#hot.has(key) && this.#isIdle(one, nowMs)) this.#all.delete(key);
    for (const key of this.#hot) {
      if (this.#all.size >= 2 * most) return;
      if (!this.#all.has(key)) this.#all.set(key, this.#make(key));
    }
  }
}

/**
 * Of a key that is hot no more nothing is granted to who wants some of it, so that it ends; who
 * wants nothing gives back what it has.
 */
export function askKey(
  allocator: LimitAllocator,
  holder: string,
  { ask, isHot, nowMs }: { readonly ask: LimitAsk; readonly isHot: boolean; readonly nowMs: number },
): LimitGrant | undefined {
  if (isHot || ask.wanted === 0) return allocator.ask(holder, ask, nowMs);
  allocator.told(holder, ask, nowMs);
  return undefined;
}
