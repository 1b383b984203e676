import type { StrategyConfig } from "../config/schema/config.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { HashKey } from "./division.ts";
import type { StrategyPlan } from "./plan.ts";

/** One variant of the config, one of the plan. */
export function compileStrategy(strategy: StrategyConfig): StrategyPlan {
  switch (strategy.type) {
    case "round_robin":
    case "weighted_round_robin":
    case "weighted_random":
    case "least_connections":
    case "broadcast":
      return { type: strategy.type };
    case "latency":
      return strategy.pick === "within" && strategy.threshold !== undefined
        ? { type: "latency", pick: "within", thresholdMs: strategy.threshold }
        : { type: "latency", pick: "lowest" };
    case "geography":
      return { type: "geography", region: undefined, order: strategy.then };
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
      throw new Unreachable(strategy);
  }
}

/** The key of `consistent_hash`. */
export function compileKey(key: Extract<StrategyConfig, { type: "consistent_hash" }>["key"]): HashKey {
  if (typeof key === "string") return { from: key };
  return "attribute" in key ? { from: "attribute", key: key.attribute } : { from: "resource", key: key.resource };
}
