import type { Random } from "../../core/random.ts";
import { type BatchSize, isCandidate, type Picker, type PoolView, type RememberingPicker } from "./picker.ts";
import { type Preference, preferenceFor } from "./preference.ts";

/**
 * Up to here all are compared; above, two at random: with few targets two choices too often miss
 * the best.
 */
export const SCAN_TARGETS = 8;

/** How far the mean size of a batch follows the last one. */
const MEAN_WEIGHT = 0.05;

/**
 * Fewest in flight for its weight. Calls count, and so do the items and bytes in them, each in
 * units of a mean batch: so equal batches are compared by calls alone. Those that are equal, as all
 * are in an idle pool, take turns by weight; where some are preferred, those are picked.
 */
export function leastConnections(size: number, random: Random, prefer?: readonly string[]): Picker {
  return new LeastConnections(size, random, preferenceFor(prefer, size));
}

export class LeastConnections implements RememberingPicker {
  readonly #random: Random;
  readonly #preference: Preference | undefined;
  /** What each was given for its weight; who was away begins where the others are. */
  readonly #given: Float64Array;
  readonly #was: Uint8Array;
  #lastGiven = 0;
  #meanItems = 0;
  #meanBytes = 0;

  constructor(size: number, random: Random, preference: Preference | undefined) {
    this.#random = random;
    this.#preference = preference;
    this.#given = new Float64Array(size);
    this.#was = new Uint8Array(size);
  }

  copy(): LeastConnections {
    const copy = new LeastConnections(this.#given.length, this.#random, this.#preference);
    copy.#given.set(this.#given);
    copy.#was.set(this.#was);
    copy.#lastGiven = this.#lastGiven;
    copy.#meanItems = this.#meanItems;
    copy.#meanBytes = this.#meanBytes;
    return copy;
  }

  pick(view: PoolView): number {
    const { candidateCount, candidates } = view;
    if (candidateCount <= SCAN_TARGETS) return this.#best(view);
    const first = Math.floor(this.#random.next() * candidateCount);
    const other = Math.floor(this.#random.next() * (candidateCount - 1));
    return this.better(view, candidates[first]!, candidates[other < first ? other : other + 1]!);
  }

  charge(view: PoolView, index: number, { items, bytes }: BatchSize): void {
    if (!isCandidate(view, index)) return;
    this.#lastGiven = Math.max(this.#lastGiven, this.#given[index]!);
    this.#given[index]! += 1 / view.weight[index]!;
    this.#meanItems += (this.#meanItems === 0 ? 1 : MEAN_WEIGHT) * (items - this.#meanItems);
    this.#meanBytes += (this.#meanBytes === 0 ? 1 : MEAN_WEIGHT) * (bytes - this.#meanBytes);
  }

  changed(view: PoolView, index: number): void {
    this.#preference?.changed(view, index);
    const is = view.usable[index]!;
    if (is === 1 && this.#was[index] === 0) this.#given[index] = Math.max(this.#given[index]!, this.#lastGiven);
    this.#was[index] = is;
  }

  /** Which of the two is picked when both are looked at. */
  better(view: PoolView, one: number, other: number): number {
    const difference = this.#cost(view, one) - this.#cost(view, other);
    if (difference !== 0) return difference < 0 ? one : other;
    if (this.#preference !== undefined) {
      const further = this.#preference.rankOf(view, one) - this.#preference.rankOf(view, other);
      if (further !== 0) return further < 0 ? one : other;
    }
    const given = this.#given[one]! - this.#given[other]!;
    if (given !== 0) return given < 0 ? one : other;
    return Math.min(one, other);
  }

  #best(view: PoolView): number {
    let best = -1;
    for (let at = 0; at < view.candidateCount; at++) {
      const index = view.candidates[at]!;
      best = best < 0 ? index : this.better(view, best, index);
    }
    return best;
  }

  #cost(view: PoolView, index: number): number {
    const { inFlight, inFlightItems, inFlightBytes } = view.gauge(index);
    if (inFlight === 0) return 0;
    const batches = inFlight + inFlightItems / (this.#meanItems || 1) + inFlightBytes / (this.#meanBytes || 1);
    return batches / view.weight[index]!;
  }
}
