import type { FleetConfig } from "../../config/schema/config.ts";
import type { SamplingClass } from "../../plan/sampling-plan.ts";
import { type ClassRate, rateIn, type ToldRate } from "../../plan/sampling/class-rate.ts";
import { shareReason } from "./share-reason.ts";
import { SourceRate } from "./source-rate.ts";

export interface SourceSettings {
  readonly sampling: Pick<FleetConfig["global"]["sampling"], "randomness" | "dry_run" | "polling_interval">;
  readonly classes: readonly SamplingClass[];
  /** What the config alone says of each class, whatever comes. */
  readonly ceilings: readonly ClassRate[];
}

/**
 * What sources of traces are told, found where the rates are decided, so that all nodes tell the
 * same. It is plain data in a directive, by which the next leader goes on.
 */
export class SourceRates {
  #laws = new Map<string, SourceRate>();
  #intervalMs = 0;
  /** What was told last, perhaps by another leader. */
  #told: ReadonlyMap<string, ToldRate>;

  constructor(last: readonly ClassRate[] = []) {
    this.#told = toldIn(last);
  }

  /** The rates that were decided, each with what sources are told. */
  tell(rates: readonly ClassRate[], { sampling, classes, ceilings }: SourceSettings, nowMs: number): ClassRate[] {
    // Who is told nothing sends all.
    const isTold = sampling.randomness === "hash" && !sampling.dry_run;
    const known = isTold && sampling.polling_interval === this.#intervalMs ? this.#laws : NO_LAWS;
    this.#intervalMs = sampling.polling_interval;
    this.#laws = new Map();
    const told = rates.map(({ source: _before, ...rate }): ClassRate => {
      const its = classes.find(({ name }) => name === rate.class);
      if (!isTold || rate.signal !== "traces" || its === undefined) return rate;
      const key = keyOf(rate);
      const law = known.get(key) ?? this.#lawFrom(this.#told.get(key), nowMs);
      this.#laws.set(key, law);
      const most = rateIn(ceilings, { ...rate, region: rate.region ?? "" })?.probability ?? 1;
      law.at({ probability: rate.probability, reason: shareReason(rate, its.from), most }, nowMs);
      return { ...rate, source: law.told };
    });
    this.#told = toldIn(told);
    return told;
  }

  #lawFrom(last: ToldRate | undefined, nowMs: number): SourceRate {
    return last === undefined ? new SourceRate(this.#intervalMs) : new SourceRate(this.#intervalMs, last, nowMs);
  }
}

const NO_LAWS: ReadonlyMap<string, SourceRate> = new Map();

function toldIn(rates: readonly ClassRate[]): ReadonlyMap<string, ToldRate> {
  return new Map(rates.flatMap((rate) => (rate.source === undefined ? [] : [[keyOf(rate), rate.source] as const])));
}

function keyOf({ class: name, region }: Pick<ClassRate, "class" | "region">): string {
  return JSON.stringify([name, region]);
}
