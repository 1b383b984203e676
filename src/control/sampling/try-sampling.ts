import { z } from "zod";
import type { FleetConfig } from "../../config/schema/config.ts";
import { SamplingStrategySchema } from "../../config/schema/sampling.ts";
import { RateSchema } from "../../config/schema/values.ts";
import { listOf, valuesOf } from "../../config/values.ts";
import { type ClassRate, keptItems } from "../../plan/sampling/class-rate.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import { composeSampling } from "./compose.ts";
import type { BudgetSolution } from "./solve-budget.ts";
import { samplingSettings } from "./settings-from.ts";
import { writtenSampling } from "./written-sampling.ts";

/** Settings of sampling that are to take the place of those that are there. */
export const SamplingChangeSchema = z
  .strictObject({
    sampling_rate: RateSchema.nullable().optional().describe("global.sampling_rate; null: none."),
    sampling: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("Of global.sampling what is to be different: dry_run, randomness, logs, fallback."),
    sampling_strategies: z.array(z.unknown()).optional().describe("global.sampling_strategies, all of them."),
    target_qps: z.number().gt(0).optional().describe("Of the one strategy `adaptive`."),
    budget_per_hour: z.number().gt(0).optional().describe("Of the one strategy `cost_based`."),
  })
  .describe("Settings of `global`, as the config has them.");
type SamplingChange = z.output<typeof SamplingChangeSchema>;

/** What is written then: shorthands are what they stand for. What is wrong, in words. */
export function settingsOf(
  { target_qps, budget_per_hour, ...settings }: SamplingChange,
  written: unknown,
): SamplingSettingsWritten | string {
  const shorthands = [
    { type: "adaptive", key: "target_qps", value: target_qps },
    { type: "cost_based", key: "budget_per_hour", value: budget_per_hour },
  ].filter(({ value }) => value !== undefined);
  if (shorthands.length === 0) return settings;
  let list: readonly unknown[] = settings.sampling_strategies ?? listOf(written);
  for (const { type, key, value } of shorthands) {
    const [at, ...more] = list.flatMap((one, i) => (valuesOf(one)?.["type"] === type ? [i] : []));
    if (at === undefined || more.length > 0) {
      const many = at === undefined ? "there is none" : "there are several";
      return `${key} is that of the one strategy of type ${type}, and ${many}: give sampling_strategies, all of them, with ${key} where it is to be`;
    }
    list = list.with(at, { ...valuesOf(list[at]), [key]: value });
  }
  return { ...settings, sampling_strategies: [...list] };
}

/** Settings of `global`, as they stand in a document. */
export type SamplingSettingsWritten = Omit<SamplingChange, "target_qps" | "budget_per_hour">;

/** What would be kept of each class, all regions together. */
export interface TriedRates {
  readonly rates: readonly (ClassRate & { readonly receivedPerSecond: number; readonly keptPerSecond: number })[];
  readonly strategies: readonly BudgetSolution[];
  readonly keptPerSecond: number;
}

/** The config with other settings of sampling; what is wrong with them, in words. */
export function changedConfig(config: FleetConfig, change: SamplingSettingsWritten): FleetConfig | string {
  const { sampling_rate: rate, sampling_strategies: strategies } = change;
  const list = strategies && z.array(SamplingStrategySchema).safeParse(strategies);
  if (list?.success === false) return `sampling_strategies: ${wordsOf(list.error)}`;
  const { sampling_rate: before, sampling_strategies: known, ...global } = config.global;
  const next = rate === undefined ? before : (rate ?? undefined);
  const changed = { ...global, ...(next !== undefined && { sampling_rate: next }) };
  return { ...config, global: { ...changed, sampling_strategies: list?.data ?? known } };
}

/** What settings would make of what is received, once they have settled; nothing is carried out. */
export function trySampling(config: FleetConfig, received: readonly ReceivedRow[]): TriedRates {
  const settings = samplingSettings(writtenSampling(config));
  const { rates, budgets } = composeSampling(received, settings);
  // Each row once: with the rate of its region where that has one of its own.
  const isOf = (rate: ClassRate, row: ReceivedRow): boolean =>
    rate.signal === row.signal &&
    rate.class === row.class &&
    (rate.region === row.region || (rate.region === undefined && !hasOwn(rates, row)));
  const told = rates.map((rate) => {
    const rows = received.filter((row) => isOf(rate, row));
    return {
      ...rate,
      receivedPerSecond: rows.reduce((sum, { items }) => sum + items, 0),
      keptPerSecond: rows.reduce((sum, row) => sum + keptItems(rates, row), 0),
    };
  });
  const keptPerSecond = received.reduce((sum, row) => sum + keptItems(rates, row), 0);
  return { rates: told, strategies: budgets, keptPerSecond };
}

function hasOwn(rates: readonly ClassRate[], { signal, class: name, region }: ReceivedRow): boolean {
  return rates.some((rate) => rate.signal === signal && rate.class === name && rate.region === region);
}

function wordsOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not as it should be"}`;
}
