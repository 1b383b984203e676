import type { SamplingStrategyDocument } from "../../config/schema/sampling.ts";
import type { StrategyStatus } from "../../plan/sampling/budget-state.ts";
import type { SamplingSpent } from "./received-reader.ts";
import { strategyNames } from "./settings-from.ts";
import {
  chargeSpend,
  expectedSpend,
  forgetSpender,
  paceOf,
  spendAt,
  spendFrom,
  type SpendNews,
  type SpendRecord,
  spentPerSecond,
  tellSpend,
} from "./spend.ts";

/** What somebody has delivered so far: a node, or a region's controller for all of its nodes. */
export interface SpendReport {
  /** Which run of it it is, and how long it counts. */
  readonly run: string;
  readonly forMs: number;
  readonly spent: SamplingSpent;
}

export type SpendRecords = Readonly<Record<string, SpendRecord>>;

export interface StrategyNews {
  readonly strategy: string;
  readonly budget: number;
  readonly news: SpendNews;
}

/** A `cost_based` strategy. */
interface CostStrategy {
  readonly name: string;
  readonly budget: number;
  readonly written: Extract<SamplingStrategyDocument, { type: "cost_based" }>;
}

/** What has been spent in this hour by each strategy that has a budget. Time is an argument. */
export class SpendBook {
  readonly #records: Map<string, SpendRecord>;

  /** With what another one has left. */
  constructor(kept: SpendRecords = {}) {
    this.#records = new Map(Object.entries(kept));
  }

  get records(): SpendRecords {
    return Object.fromEntries(this.#records);
  }

  charge(strategies: readonly SamplingStrategyDocument[], reporter: string, report: SpendReport, wallMs: number): void {
    for (const { name, written } of costsIn(strategies)) {
      const charged = chargedOf(written, report.spent);
      const since = `${report.run} ${written.cost_per_span} ${written.cost_per_byte}`;
      const record = this.#recordOf(name, wallMs);
      const last = record.counters[reporter];
      // What was counted before it had this price is paid.
      const isRepriced = last !== undefined && last.since !== since && last.since.startsWith(`${report.run} `);
      const counter = { since, charged, atWallMs: wallMs, perSecond: last?.perSecond ?? 0 };
      this.#records.set(
        name,
        isRepriced
          ? { ...record, counters: { ...record.counters, [reporter]: counter } }
          : chargeSpend(record, reporter, { since, charged, forMs: report.forMs }, wallMs),
      );
    }
  }

  /** It has left for good. */
  forget(reporter: string): void {
    for (const [name, record] of this.#records) this.#records.set(name, forgetSpender(record, reporter));
  }

  /** What may be spent a second now. */
  paces(strategies: readonly SamplingStrategyDocument[], wallMs: number): ReadonlyMap<string, number> {
    return new Map(
      costsIn(strategies).map(({ name, budget }) => [name, paceOf(this.#recordOf(name, wallMs), budget, wallMs)]),
    );
  }

  /**
   * What there is to tell people, each once an hour. `keptPerSecond`: what strategies keep at the
   * rates that are decided, since what was spent of late may be made up for.
   */
  news(
    strategies: readonly SamplingStrategyDocument[],
    wallMs: number,
    keptPerSecond: ReadonlyMap<string, number> = new Map(),
  ): StrategyNews[] {
    return costsIn(strategies).flatMap(({ name, budget }) => {
      const before = this.#recordOf(name, wallMs);
      const perSecond = Math.min(spentPerSecond(before, wallMs), keptPerSecond.get(name) ?? Number.POSITIVE_INFINITY);
      const { record, news } = tellSpend(before, budget, perSecond, wallMs);
      this.#records.set(name, record);
      return news.map((one) => ({ strategy: name, budget, news: one }));
    });
  }

  status(strategies: readonly SamplingStrategyDocument[], name: string, wallMs: number): StrategyStatus["spent"] {
    const strategy = costsIn(strategies).find((one) => one.name === name);
    if (strategy === undefined) return undefined;
    const record = this.#recordOf(name, wallMs);
    return { hour: record.hour, spent: expectedSpend(record, wallMs), budget: strategy.budget };
  }

  #recordOf(name: string, wallMs: number): SpendRecord {
    return spendAt(this.#records.get(name) ?? spendFrom(wallMs), wallMs);
  }
}

function costsIn(strategies: readonly SamplingStrategyDocument[]): CostStrategy[] {
  const names = strategyNames(strategies);
  return strategies.flatMap((written, i) =>
    written.type === "cost_based" ? [{ name: names[i]!, budget: written.budget_per_hour, written }] : [],
  );
}

function chargedOf(
  { signals, cost_per_span: item, cost_per_byte: byte }: CostStrategy["written"],
  spent: SamplingSpent,
): number {
  return signals.reduce((sum, signal) => sum + spent[signal].items * item + spent[signal].bytes * byte, 0);
}
