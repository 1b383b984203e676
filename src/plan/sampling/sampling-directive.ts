import type { StrategyStatus } from "./budget-state.ts";
import type { ClassRate } from "./class-rate.ts";

/** The decision on sampling that travels down to all nodes; plain data. */
export interface SamplingDirective {
  readonly rates: readonly ClassRate[];
  /** Rates of strategies, by name: the next leader goes on from there. */
  readonly held: Readonly<Record<string, number>>;
  /** The number of the last summary of each region that it was made from. */
  readonly summaries: Readonly<Record<string, number>>;
  /** Items a second that are kept by the fleet, divided by its collectors. */
  readonly equalShare: number;
  /** How strategies did when it was decided. */
  readonly strategies?: readonly StrategyStatus[] | undefined;
}

/** `global.sampling.fallback`. */
export interface SamplingFallback {
  /** So old, a directive is followed only within the share that it predicted. */
  readonly afterMs: number;
  /** So old, it is followed no more. */
  readonly staticAfterMs: number;
  readonly staticRate: number;
}

export const SAMPLING_FALLBACK: SamplingFallback = { afterMs: 300_000, staticAfterMs: 1_800_000, staticRate: 0.1 };

/** What a node goes by. A closed list. */
export const SAMPLING_STAGES = [
  "directive",
  /** The last directive, and no more than the share that it predicted. */
  "guarded",
  /** One low rate, and no more than that share. */
  "static",
] as const;
export type SamplingStage = (typeof SAMPLING_STAGES)[number];

/** `sinceMs`: since it was known to hold; undefined: there never was one. */
export function samplingStage(sinceMs: number | undefined, fallback: SamplingFallback): SamplingStage {
  if (sinceMs === undefined || sinceMs >= fallback.staticAfterMs) return "static";
  return sinceMs >= fallback.afterMs ? "guarded" : "directive";
}
