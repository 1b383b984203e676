import type { StrategyConfig } from "../config/schema/config.ts";
import type { HashKey } from "./division.ts";
import type { StrategyPlan } from "./plan.ts";

/** Where the plan has a variant of its own, that; else what the config says. */
export function compileStrategy(strategy: StrategyConfig): StrategyPlan {
  switch (strategy.type) {
    case "latency":
      return strategy.pick === "within" && strategy.threshold !== undefined
        ? { type: "latency", pick: "within", thresholdMs: strategy.threshold }
        : { type: "latency", pick: "lowest" };
    case "geography":
      return { type: "geography", order: strategy.then };
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
export function compileKey(key: Extract<StrategyConfig, { type: "consistent_hash" }>["key"]): HashKey {
  if (typeof key === "string") return { from: key };
  return "attribute" in key ? { from: "attribute", key: key.attribute } : { from: "resource", key: key.resource };
}
