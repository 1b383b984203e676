import type { FleetConfig } from "../../config/schema/config.ts";
import { sampledSignals, samplingClasses } from "../../plan/sampling-classes.ts";
import type { ClassRate } from "../../plan/sampling/class-rate.ts";
import type { SamplingFallback } from "../../plan/sampling/sampling-directive.ts";
import { composeSampling } from "./compose.ts";
import { samplingSettings, type WrittenSampling } from "./settings-from.ts";

/** What a config says of sampling, as far as rates depend on it. */
export function writtenSampling(config: FleetConfig): WrittenSampling {
  const rates = Object.entries(config.regions).flatMap(([region, { sampling_rate: rate }]) =>
    rate === undefined ? [] : [[region, rate] as const],
  );
  return {
    classes: samplingClasses(config).classes,
    strategies: config.global.sampling_strategies,
    regionRates: Object.fromEntries(rates),
    signals: sampledSignals(config),
  };
}

/** What the config alone says of each class, whatever comes. */
export function writtenCeilings(written: WrittenSampling): readonly ClassRate[] {
  const settings = samplingSettings(written);
  const highest = new Map(settings.budgets.map(({ name, maxRate }) => [name, maxRate]));
  return composeSampling([], settings, highest).rates;
}

export function fallbackOf({ global }: Pick<FleetConfig, "global">): SamplingFallback {
  const { after, static_after: staticAfter, static_rate: staticRate } = global.sampling.fallback;
  return { afterMs: after, staticAfterMs: Math.max(after, staticAfter), staticRate };
}
