import type { PoolConfig, StrategyConfig, TargetConfig } from "../config/schema/config.ts";
import { type Division, type DivisionData, type HashKey, UNDIVIDED } from "./division.ts";
import type { StrategyPlan } from "./plan.ts";
import type { Condition } from "../config/condition-type.ts";
import type { Signal } from "../otlp/signal.ts";
import { compileCondition } from "./condition.ts";
import type { Cond } from "./route-plan.ts";

/**
 * Where the plan has a variant of its own, that; else what the config says. `preference`: regions
 * and ids of targets, which a node's region would rather send to.
 */
export function compileStrategy(strategy: StrategyConfig, preference?: readonly string[]): StrategyPlan {
  switch (strategy.type) {
    case "least_connections":
      return { type: "least_connections", prefer: preference };
    case "latency":
      return strategy.pick === "within" && strategy.threshold !== undefined
        ? { type: "latency", pick: "within", thresholdMs: strategy.threshold, prefer: preference }
        : { type: "latency", pick: "lowest" };
    case "geography":
      return { type: "geography", prefer: preference, order: strategy.then };
    case "content":
      return { type: "content", cases: strategy.cases.map((one) => one.targets), otherwise: strategy.otherwise };
    case "consistent_hash":
      return { type: "consistent_hash", key: compileKey(strategy.key) };
    case "load_latency":
      return { type: "load_latency", loadWeight: strategy.load_weight, latencyWeight: strategy.latency_weight };
    case "failover":
      return { type: "failover", returnAfterMs: strategy.return_after };
    case "plugin":
      return { type: "plugin", name: strategy.name, options: strategy.options };
    default:
      return strategy; // its plan is what is written: the compiler knows which those are
  }
}

/** The key of `consistent_hash`. */
function compileKey(key: Extract<StrategyConfig, { type: "consistent_hash" }>["key"]): HashKey {
  if (typeof key === "string") return { from: key };
  return "attribute" in key ? { from: "attribute", key: key.attribute } : { from: "resource", key: key.resource };
}

/** How a strategy divides the items of its pool. */
export function compileDivision({ strategy, targets }: PoolConfig, all: readonly TargetConfig[]): DivisionData {
  switch (strategy.type) {
    case "content":
      return { kind: "cases", cases: strategy.cases.map(({ conditions }) => conditions) };
    case "geography": {
      const members = new Set(targets);
      const regions = all.filter((target) => members.has(target.id)).map((target) => target.region);
      return { kind: "regions", regions: [...new Set(regions)] };
    }
    case "consistent_hash":
      return { kind: "key", key: compileKey(strategy.key) };
    default:
      return UNDIVIDED;
  }
}

/** Conditions of cases are compiled like those of rules. */
export function bindDivision(division: DivisionData): Division {
  if (division.kind !== "cases") return division;
  const { cases } = division;
  const of = (signal: Signal): Cond[] => cases.map((conditions) => allOf(conditions, signal));
  const conditions = { traces: of("traces"), metrics: of("metrics"), logs: of("logs") };
  return { kind: "cases", conditions, identity: JSON.stringify(cases) };
}

function allOf(conditions: readonly Condition[], signal: Signal): Cond {
  const compiled = conditions.map((condition) => compileCondition(condition, signal));
  const [only] = compiled;
  return only !== undefined && compiled.length === 1 ? only : { kind: "all", of: compiled };
}
