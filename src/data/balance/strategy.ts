import type { Random } from "../../core/random.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import { Failover } from "./failover.ts";
import { geography } from "./geography.ts";
import { guarded, type Strategies } from "./strategies.ts";
import { leastConnections } from "./least-connections.ts";
import { LoadLatency } from "./load-latency.ts";
import { lowestLatency, withinLatency } from "./latency.ts";
import { type Picker, isCandidate } from "./picker.ts";
import { RoundRobin } from "./round-robin.ts";
import { SumTree } from "./sum-tree.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** Who is told what plugins' strategies did wrong. */
export interface StrategyFaults {
  /** A strategy failed, and weighted round robin has taken over. */
  strategyFailed(strategy: string, what: string): void;
}

export interface PickerEnv {
  readonly random: Random;
  /** Those of plugins; none without. */
  readonly strategies?: Strategies;
  readonly faults?: StrategyFaults;
}

/** The one place where a strategy's name becomes its code. */
export function createPicker(strategy: StrategyPlan, size: number, env: PickerEnv): Picker {
  const { random } = env;
  switch (strategy.type) {
    case "round_robin":
      return new RoundRobin(size);
    case "weighted_round_robin":
    case "content": // its cases have lanes of their own; inside it is this
      return weightedRoundRobin(size);
    case "weighted_random":
      return weightedRandom(size, random);
    case "least_connections":
      return leastConnections(size, random, strategy.prefer);
    case "latency":
      return strategy.pick === "within" ? withinLatency(size, strategy, random) : lowestLatency(size);
    case "geography":
      return geography(strategy);
    case "load_latency":
      return new LoadLatency(size, strategy, random);
    case "failover":
      return new Failover(strategy.returnAfterMs);
    case "broadcast":
    case "consistent_hash":
      return onlyTarget();
    case "plugin":
      return openPlugin(strategy, size, env);
    default:
      throw new Unreachable(strategy satisfies never);
  }
}

function openPlugin(
  { name, options }: Extract<StrategyPlan, { type: "plugin" }>,
  size: number,
  { random, strategies, faults }: PickerEnv,
): Picker {
  const factory = strategies?.find(name);
  if (factory === undefined) throw new TypeError(`no plugin has registered a strategy named ${name}`);
  return guarded(factory({ size, options, random }), weightedRoundRobin(size), (what) =>
    faults?.strategyFailed(name, what),
  );
}

/**
 * Where each target has a queue of its own (broadcast, consistent_hash) there is one target to pick
 * from.
 */
function onlyTarget(): Picker {
  return {
    pick: (view) => (view.eligible[0] === 1 ? 0 : -1),
    charge() {
      // Nothing is shared.
    },
    changed() {
      // Nothing is kept.
    },
  };
}

/** At random, by weight over the candidates. */
function weightedRandom(size: number, random: Random): Picker {
  const weights = new SumTree(size);
  return {
    pick: () => weights.find(random.next()),
    charge() {
      // Chance has no memory.
    },
    changed(view, index) {
      weights.set(index, isCandidate(view, index) ? view.weight[index]! : 0);
    },
  };
}
