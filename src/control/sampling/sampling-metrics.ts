import { BUDGET_STATES, type StrategyStatus } from "../../plan/sampling/budget-state.ts";
import { SAMPLING_STAGES, type SamplingStage } from "../../plan/sampling/sampling-directive.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { ClassNow } from "./sampling-node.ts";
import type { StrategyNews } from "./spend-book.ts";

/** What a node samples by at the moment. */
interface SamplingSight {
  readonly stage: SamplingStage | undefined;
  readonly classes: readonly ClassNow[];
  readonly strategies: readonly StrategyStatus[];
}

/** Shows it; series of what is gone from the config go with it. */
export class SamplingGauges {
  readonly #metrics: Metrics;
  #now: SamplingSight = { stage: undefined, classes: [], strategies: [] };

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    for (const stage of SAMPLING_STAGES) {
      metrics.samplingStage.with(stage).read(() => (this.#now.stage === stage ? 1 : 0));
    }
  }

  show(next: SamplingSight): void {
    const before = this.#now;
    this.#now = next;
    const { samplingProbability, samplingStrategyState, samplingSpent } = this.#metrics;
    for (const { signal, class: one } of before.classes) samplingProbability.remove(signal, one.name);
    for (const { signal, class: one, probability } of next.classes) {
      samplingProbability.with(signal, one.name).read(() => probability);
    }
    for (const { name, state, spent } of next.strategies) {
      for (const of of BUDGET_STATES) samplingStrategyState.with(name, of).read(() => (of === state ? 1 : 0));
      if (spent !== undefined) samplingSpent.with(name).read(() => spent.spent / spent.budget);
    }
    for (const { name } of before.strategies) {
      if (next.strategies.some((one) => one.name === name)) continue;
      for (const of of BUDGET_STATES) samplingStrategyState.remove(name, of);
      samplingSpent.remove(name);
    }
  }
}

/** Tells people of what is spent, each once an hour. */
export function tellSpent(log: Log, { strategy, budget, news }: StrategyNews): void {
  const fields = { kind: "sampling" as const, strategy, budget };
  const hint = "see signalbox sampling get; raise budget_per_hour, or lower rates";
  if (news.kind === "forecast") {
    const expected = Number(news.expected.toPrecision(4));
    log.warn("more than the budget of this hour will be spent, whatever is sampled", { ...fields, expected, hint });
  } else if (news.share < 1) log.info("a part of this hour's budget is spent", { ...fields, share: news.share });
  else log.warn("this hour's budget is spent", { ...fields, hint });
}
