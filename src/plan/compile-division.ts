import type { PoolConfig, StrategyConfig, TargetConfig } from "../config/schema/config.ts";
import type { Signal } from "../otlp/signal.ts";
import { compileKey } from "./compile-strategy.ts";
import { compileCondition } from "./condition.ts";
import { type Division, UNDIVIDED } from "./division.ts";
import type { Cond } from "./route-plan.ts";

/** How a strategy divides the items of its pool. Conditions of `content` are compiled like those of rules. */
export function compileDivision({ strategy, targets }: PoolConfig, all: readonly TargetConfig[]): Division {
  switch (strategy.type) {
    case "content":
      return divideByCases(strategy.cases);
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

function divideByCases(cases: Extract<StrategyConfig, { type: "content" }>["cases"]): Division {
  const of = (signal: Signal): Cond[] => {
    return cases.map(({ conditions }) => allOf(conditions.map((condition) => compileCondition(condition, signal))));
  };
  const conditions = { traces: of("traces"), metrics: of("metrics"), logs: of("logs") } satisfies Record<
    Signal,
    Cond[]
  >;
  return {
    kind: "cases",
    conditions,
    identity: JSON.stringify(cases.map((one) => one.conditions)),
  };
}

function allOf(conditions: readonly Cond[]): Cond {
  const [only] = conditions;
  return only !== undefined && conditions.length === 1 ? only : { kind: "all", of: conditions };
}
