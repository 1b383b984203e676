import type { Condition } from "../config/condition-type.ts";
import type { PoolConfig, TargetConfig } from "../config/schema/config.ts";
import type { Signal } from "../otlp/signal.ts";
import { compileKey } from "./compile-strategy.ts";
import { compileCondition } from "./condition.ts";
import { type Division, type DivisionData, UNDIVIDED } from "./division.ts";
import type { Cond } from "./route-plan.ts";

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
