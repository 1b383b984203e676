import type { FleetConfig } from "../config/schema/config.ts";
import type { SampledSignal, SamplingStrategyDocument } from "../config/schema/sampling.ts";
import { followedSignals, sampledSignals, samplingClasses } from "./sampling-classes.ts";
import type { ClassShare, SamplingClass, SamplingData, ShareReason } from "./sampling-plan.ts";

/**
 * What the stage sample needs of a config, for nodes of a region; undefined where everything is
 * kept, whatever comes.
 */
export function compileSampling(fleet: FleetConfig, region: string): SamplingData | undefined {
  const signals = sampledSignals(fleet);
  if (signals.length === 0) return undefined;
  const { sampling } = fleet.global;
  const { classes, rules } = samplingClasses(fleet);
  const shares = (signal: SampledSignal): readonly ClassShare[] =>
    signals.includes(signal) ? settledShares(fleet, classes, signal, region) : [];
  return {
    randomness: sampling.randomness,
    logRandomness: sampling.logs.randomness,
    dryRun: sampling.dry_run,
    follows: followedSignals(fleet),
    classes,
    rules,
    state: { traces: shares("traces"), logs: shares("logs") },
  };
}

/**
 * The probability of each class of a signal as far as the config alone settles it: no rate that
 * follows the load is above its max_rate, so it is that at most.
 */
export function settledShares(
  fleet: Pick<FleetConfig, "global" | "regions">,
  classes: readonly SamplingClass[],
  signal: SampledSignal,
  region: string,
): ClassShare[] {
  const common = commonCeilings(fleet, signal, region);
  return classes
    .filter(({ signals }) => signals.includes(signal))
    .map(({ name, priority, ceiling, from }) => {
      const own = { rate: ceiling, reason: from };
      const { rate, reason } = priority === "high" ? own : lowest([own, ...common]);
      return { class: name, probability: rate, reason };
    });
}

interface Ceiling {
  readonly rate: number;
  readonly reason: ShareReason;
}

/** What holds for all classes that are not protected. */
function commonCeilings(
  { global, regions }: Pick<FleetConfig, "global" | "regions">,
  signal: SampledSignal,
  region: string,
): Ceiling[] {
  const ceilings = global.sampling_strategies.flatMap((strategy) => ceilingOf(strategy, signal));
  const own = Object.hasOwn(regions, region) ? regions[region]?.sampling_rate : undefined;
  return own === undefined ? ceilings : [{ rate: own, reason: "region" }, ...ceilings];
}

function ceilingOf(strategy: SamplingStrategyDocument, signal: SampledSignal): Ceiling[] {
  if (!strategy.signals.includes(signal)) return [];
  if (strategy.type === "fixed") return [{ rate: strategy.rate, reason: "fixed" }];
  return strategy.type === "adaptive" ? [{ rate: strategy.max_rate, reason: "adaptive" }] : [];
}

/** Of equal ones the first. */
function lowest(ceilings: readonly [Ceiling, ...Ceiling[]]): Ceiling {
  return ceilings.reduce((low, one) => (one.rate < low.rate ? one : low));
}
