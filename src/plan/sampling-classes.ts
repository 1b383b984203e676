import type { Condition } from "../config/condition-type.ts";
import type { FleetConfig, RuleConfig } from "../config/schema/config.ts";
import { SAMPLED_SIGNALS, type SampledSignal, type SamplingStrategyDocument } from "../config/schema/sampling.ts";
import { PRIORITIES } from "../config/schema/values.ts";
import type { ClassRule, PriorityName, SamplingClass, SamplingClasses } from "./sampling-plan.ts";

type PriorityBased = Extract<SamplingStrategyDocument, { type: "priority_based" }>;

/**
 * The signals that anything is, or may be, said of: the others are kept whole, and their items are
 * not asked.
 */
export function sampledSignals({ global, regions }: Pick<FleetConfig, "global" | "regions">): SampledSignal[] {
  const strategies = global.sampling_strategies;
  const rates = [global.sampling_rate, ...Object.values(regions).map((region) => region.sampling_rate)];
  // A degraded node keeps less of what it would keep all of.
  const lowers = rates.some((rate) => rate !== undefined && rate < 1) || global.degradation?.enabled === true;
  return SAMPLED_SIGNALS.filter(
    (signal) => strategies.some(({ signals }) => signals.includes(signal)) || (signal === "traces" && lowers),
  );
}

/** The signals that a strategy speaks of whose rate follows what comes. */
export function followedSignals({ global }: Pick<FleetConfig, "global">): SampledSignal[] {
  const following = global.sampling_strategies.filter(({ type }) => type === "adaptive" || type === "cost_based");
  return SAMPLED_SIGNALS.filter((signal) => following.some(({ signals }) => signals.includes(signal)));
}

/**
 * The classes of a config: rules with services or conditions are asked in order, then those
 * without, which take the rest; what no rule is for is `normal`, with global.sampling_rate as its
 * ceiling.
 */
export function samplingClasses(fleet: FleetConfig): SamplingClasses {
  const { global } = fleet;
  const made = new ClassMaker(global.sampling_rate ?? 1);
  const written = global.sampling_strategies
    .filter((strategy) => strategy.type === "priority_based")
    .flatMap((strategy) => (strategy.rules === undefined ? byRoutes(strategy, fleet, made) : byRules(strategy, made)));
  const takesRest = written.filter(({ conditions }) => conditions.length === 0);
  const open = sampledSignals(fleet).filter((signal) => !takesRest.some(({ signals }) => signals.includes(signal)));
  const rest = open.length === 0 ? [] : [{ class: made.add("normal", undefined, open), signals: open, conditions: [] }];
  return {
    classes: made.classes,
    rules: [...written.filter((rule) => !takesRest.includes(rule)), ...takesRest, ...rest],
  };
}

class ClassMaker {
  readonly classes: SamplingClass[] = [];
  readonly #samplingRate: number;

  constructor(samplingRate: number) {
    this.#samplingRate = samplingRate;
  }

  /** Gives its name. `rate`: undefined where no rule says one. */
  add(priority: PriorityName, rate: number | undefined, signals: readonly SampledSignal[]): string {
    const times = this.classes.filter((one) => one.priority === priority).length + 1;
    const name = times === 1 ? priority : `${priority}-${times}`;
    const from = rate === undefined ? "sampling_rate" : "priority_based";
    this.classes.push({ name, priority, ceiling: rate ?? this.#samplingRate, from, signals });
    return name;
  }
}

function byRules({ rules = [], signals }: PriorityBased, made: ClassMaker): ClassRule[] {
  return rules.map(({ priority, rate, services, conditions = [] }) => {
    const asked = services === undefined ? conditions : [isService(services), ...conditions];
    return { class: made.add(priority, rate, signals), signals, conditions: asked };
  });
}

function isService(globs: readonly string[]): Condition {
  const of = globs.map((pattern): Condition => ({ kind: "service_name", match: { tests: [{ op: "glob", pattern }] } }));
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: "any", of };
}

/** Holds for whatever comes, but is asked in its turn. */
const ALWAYS: Condition = { kind: "all", of: [] };

/**
 * A class for each priority: an item is of that of the rule that routes it. Copies route nothing.
 */
function byRoutes(strategy: PriorityBased, { rules }: FleetConfig, made: ClassMaker): ClassRule[] {
  const { signals } = strategy;
  const routes = rules.filter(({ mode }) => mode === "first").toSorted((a, b) => b.priority - a.priority);
  const classOf: Record<PriorityName, string> = {
    high: made.add("high", strategy.high_priority_rate ?? strategy.high ?? 1, signals),
    normal: made.add("normal", strategy.normal_rate ?? strategy.normal, signals),
    low: made.add("low", strategy.low_priority_rate ?? strategy.low ?? 1, signals),
  };
  const asked = routes.flatMap((rule): ClassRule[] => {
    const own = signals.filter((signal) => rule.signals.includes(signal));
    const conditions = rule.conditions.length === 0 ? [ALWAYS] : rule.conditions;
    return own.length === 0 ? [] : [{ class: classOf[priorityOf(rule)], signals: own, conditions }];
  });
  return [...asked, { class: classOf.normal, signals, conditions: [] }];
}

/** From the number of `high` on it is high, up to that of `low` it is low. */
function priorityOf({ priority }: RuleConfig): PriorityName {
  if (priority >= PRIORITIES.high) return "high";
  return priority <= PRIORITIES.low ? "low" : "normal";
}
