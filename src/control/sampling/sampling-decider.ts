import type { FleetConfig } from "../../config/schema/config.ts";
import { samplingClasses } from "../../plan/sampling-classes.ts";
import type { StrategyStatus } from "../../plan/sampling/budget-state.ts";
import { keptPart, type ReceivedRow } from "../../plan/sampling/received.ts";
import type { ClassRate } from "../../plan/sampling/class-rate.ts";
import { rateIn } from "../../plan/sampling/class-rate.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import type { RegionRates } from "./region-flow.ts";
import { SamplingLeader, type SamplingStep } from "./sampling-leader.ts";
import type { SamplingSettings } from "./sampling-settings.ts";
import { samplingSettings } from "./settings-from.ts";
import { chargeOf } from "./solve-budget.ts";
import { SourceRates } from "./source-rates.ts";
import { SpendBook, type SpendRecords, type SpendReport, type StrategyNews } from "./spend-book.ts";
import { writtenCeilings, writtenSampling } from "./written-sampling.ts";

interface DeciderOptions {
  /** What was decided last, and what was spent by then: another one may have done it. */
  readonly last?: SamplingDirective | undefined;
  readonly spent?: SpendRecords | undefined;
  readonly validForMs?: number | undefined;
}

/** What is decided, and when. */
interface DecisionMoment {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** Decides by a config: of a fleet, or of one node that is its own. */
export class SamplingDecider {
  readonly #leader: SamplingLeader;
  readonly #book: SpendBook;
  readonly #sources: SourceRates;
  #strategies: readonly StrategyStatus[] = [];

  constructor({ last, spent, validForMs }: DeciderOptions = {}) {
    this.#leader = new SamplingLeader({ last, ...(validForMs !== undefined && { validForMs }) });
    this.#book = new SpendBook(spent);
    this.#sources = new SourceRates(last?.rates);
  }

  get spent(): SpendRecords {
    return this.#book.records;
  }

  /** How strategies do, as of the last step. */
  get strategies(): readonly StrategyStatus[] {
    return this.#strategies;
  }

  hear(region: string, rates: RegionRates, nowMs: number): void {
    this.#leader.hear(region, rates, nowMs);
  }

  /** The region is no part of the fleet any more; what was spent there is. */
  forget(region: string): void {
    this.#leader.forget(region);
    this.#book.forget(region);
  }

  charge({ global }: FleetConfig, reporter: string, report: SpendReport, wallMs: number): void {
    this.#book.charge(global.sampling_strategies, reporter, report, wallMs);
  }

  /** What is to be told of what was spent, each once an hour. */
  news({ global }: FleetConfig, wallMs: number): StrategyNews[] {
    const kept = new Map(this.#strategies.map(({ name, keptPerSecond }) => [name, keptPerSecond]));
    return this.#book.news(global.sampling_strategies, wallMs, kept);
  }

  /** Undefined: what was decided before says it all. */
  step(config: FleetConfig, { nowMs, wallMs }: DecisionMoment): SamplingDirective | undefined {
    const { sampling_strategies: strategies } = config.global;
    const paces = this.#book.paces(strategies, wallMs);
    const written = writtenSampling(config);
    const settings = samplingSettings(written, { paces });
    const step = this.#leader.step(settings, nowMs);
    this.#strategies = statusOf(settings, step).map((status) => ({
      ...status,
      spent: this.#book.status(strategies, status.name, wallMs),
    }));
    if (step.directive === undefined) return undefined;
    const { classes } = samplingClasses(config);
    const of = { sampling: config.global.sampling, classes, ceilings: writtenCeilings(written) };
    const rates = this.#sources.tell(step.directive.rates, of, nowMs);
    return { ...step.directive, rates, strategies: this.#strategies };
  }
}

function statusOf(settings: SamplingSettings, { composition, received, held }: SamplingStep): StrategyStatus[] {
  return settings.budgets.map((budget, i) => {
    const { name, allowedPerSecond } = budget;
    const { rate, state } = composition.budgets[i]!;
    let kept = 0;
    for (const row of received) {
      if (budget.signals.includes(row.signal)) kept += chargeOf(budget, row) * partOf(composition.rates, row);
    }
    return { name, state, rate: held.get(name) ?? rate, allowedPerSecond, keptPerSecond: kept };
  });
}

/** What no class takes is kept. */
function partOf(rates: readonly ClassRate[], row: ReceivedRow): number {
  return keptPart(rateIn(rates, row)?.probability ?? 1, row.arrival);
}
