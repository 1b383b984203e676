import type { SamplingState } from "../../plan/sampling-plan.ts";

/** What workers are told of sampling: of what the node may keep each has a part. */
export interface SharedSampling {
  readonly state: SamplingState;
  /** By the place of the worker; 1 together. */
  readonly shares: readonly number[];
}

/** Of the node's bound this part is shared out evenly: what comes may come to another worker. */
const EVEN_PART = 0.2;

/** By what each of them receives now. */
export function guardShares(itemsPerSecond: readonly number[]): number[] {
  const all = itemsPerSecond.reduce((sum, items) => sum + items, 0);
  const even = 1 / itemsPerSecond.length;
  return itemsPerSecond.map((items) => (all > 0 ? (1 - EVEN_PART) * (items / all) + EVEN_PART * even : even));
}

export function ownShare({ state, shares }: SharedSampling, index: number): SamplingState {
  const { bound } = state;
  if (bound === undefined) return state;
  return { ...state, bound: { ...bound, keptPerSecond: bound.keptPerSecond * (shares[index] ?? 1) } };
}
