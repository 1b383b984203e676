import type { SamplingStrategyDocument } from "../../config/schema/sampling.ts";
import type { RatedSignal } from "../../plan/sampling/received.ts";
import {
  BYTE_CHARGE,
  ITEM_CHARGE,
  type RateBudget,
  type RateCeiling,
  type RatedClass,
  type SamplingSettings,
  TRACE_CHARGE,
} from "./sampling-settings.ts";

/** A config, as far as rates depend on it. */
export interface WrittenSampling {
  readonly classes: readonly (Omit<RatedClass, "rate"> & { readonly ceiling: number })[];
  readonly strategies: readonly SamplingStrategyDocument[];
  /** `regions.*.sampling_rate`. */
  readonly regionRates: Readonly<Record<string, number>>;
  /** What is sampled at all: regions' rates speak of no more. */
  readonly signals: readonly RatedSignal[];
}

/** What changes while the config stays. */
interface SamplingConditions {
  /** What may be spent a second now, by the name of a strategy; see `paceOf`. */
  readonly paces?: ReadonlyMap<string, number>;
}

const HOUR_S = 3_600;
const UNIT_CHARGES = { items: ITEM_CHARGE, bytes: BYTE_CHARGE, traces: TRACE_CHARGE } as const;

export function samplingSettings(written: WrittenSampling, now: SamplingConditions = {}): SamplingSettings {
  const { classes, strategies, regionRates, signals } = written;
  const ceilings: RateCeiling[] = Object.entries(regionRates).map(([region, rate]) => ({
    reason: "region",
    rate,
    region,
    signals,
  }));
  for (const one of strategies) {
    if (one.type === "fixed") ceilings.push({ reason: "fixed", rate: one.rate, signals: one.signals });
  }
  return {
    classes: classes.map(({ ceiling, ...one }) => ({ ...one, rate: ceiling })),
    ceilings,
    budgets: strategyNames(strategies).flatMap((name, i) => budgetOf(name, strategies[i]!, now)),
  };
}

/** Their types; the second and later ones of a type are `adaptive-2`, `adaptive-3`. */
export function strategyNames(strategies: readonly Pick<SamplingStrategyDocument, "type">[]): string[] {
  return strategies.map(({ type }, i) => {
    const before = strategies.slice(0, i).filter((one) => one.type === type).length;
    return before === 0 ? type : `${type}-${before + 1}`;
  });
}

function budgetOf(name: string, strategy: SamplingStrategyDocument, { paces }: SamplingConditions): RateBudget[] {
  const { signals } = strategy;
  if (strategy.type === "adaptive") {
    const { min_rate: minRate, max_rate: maxRate, target_qps: allowedPerSecond, unit } = strategy;
    return [{ name, signals, allowedPerSecond, minRate, maxRate, charge: UNIT_CHARGES[unit] }];
  }
  if (strategy.type !== "cost_based") return [];
  const { min_rate: minRate, budget_per_hour: budget, cost_per_span: item, cost_per_byte: byte } = strategy;
  const allowedPerSecond = paces?.get(name) ?? budget / HOUR_S;
  const charge = { item, byte, trace: 0, isPerCopy: true };
  return [{ name, signals, allowedPerSecond, minRate, maxRate: 1, charge }];
}
