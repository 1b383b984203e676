import type { Random } from "../../core/random.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import { broadcast } from "./broadcast.ts";
import { failover } from "./failover.ts";
import type { Picker } from "./picker.ts";
import { roundRobin } from "./round-robin.ts";
import { weightedRandom } from "./weighted-random.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** The one place where a strategy's name becomes its code. */
export function createPicker(strategy: StrategyPlan, random: Random): Picker {
  switch (strategy.type) {
    case "round_robin":
      return roundRobin();
    case "weighted_round_robin":
      return weightedRoundRobin();
    case "weighted_random":
      return weightedRandom(random);
    case "failover":
      return failover(strategy.returnAfterMs);
    case "broadcast":
      return broadcast();
    default:
      throw new Unreachable(strategy satisfies never);
  }
}
