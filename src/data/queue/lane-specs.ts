import { Unreachable } from "../../core/unreachable.ts";
import { partName } from "../../plan/members.ts";
import type { PoolPlan, StrategyPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "../export/target-port.ts";

/**
 * What a lane is for. `copy`: one target's copies in a pool that broadcasts. `owner`: the keys of
 * one target, or of one of its addresses.
 */
export type LaneKind = "shared" | "copy" | "owner";

/** A lane as the plan wants it: what empties it, and how the target is picked. */
export interface LaneSpec {
  /** The same for the same lane of the next plan. */
  readonly key: string;
  readonly kind: LaneKind;
  readonly strategy: StrategyPlan;
  readonly targets: readonly TargetHandle[];
}

const INSIDE: StrategyPlan = { type: "weighted_round_robin" };
/** Items of regions that no target is in count as being here. */
const OTHER_REGION = "default";

/** The lanes of a pool; for all but broadcast in the order of its channels, at least one. */
export function laneSpecs(plan: PoolPlan, targets: readonly TargetHandle[]): LaneSpec[] {
  const { division, strategy } = plan;
  switch (division.kind) {
    case "none":
      if (strategy.type === "broadcast") return targets.map((one) => oneTarget("copy", strategy, one));
      return [{ key: "all", kind: "shared", strategy, targets }];
    case "cases":
      return caseLanes(strategy, targets);
    case "regions": {
      const { prefer, order } = strategy.type === "geography" ? strategy : { prefer: undefined, order: [] };
      const lane = (key: string, region: string): LaneSpec => {
        return { key, kind: "shared", strategy: { type: "geography", region, prefer, order }, targets };
      };
      return [...division.regions.map((region) => lane(`region ${region}`, region)), lane("regions", OTHER_REGION)];
    }
    case "key":
      if (targets.length === 0) return [{ key: "nobody", kind: "shared", strategy: INSIDE, targets }];
      return targets.flatMap((one) => one.parts?.all ?? one).map((one) => oneTarget("owner", strategy, one));
    default:
      throw new Unreachable(division);
  }
}

/** Changes when what waits may belong into another lane than before, whatever lanes there are. */
export function divisionIdentity({ division, strategy }: PoolPlan): string {
  switch (division.kind) {
    case "none":
      return strategy.type === "broadcast" ? "copies" : "one";
    case "cases":
      return `cases ${division.identity}`;
    case "regions":
      return "regions";
    case "key":
      return `key ${JSON.stringify(division.key)}`;
    default:
      throw new Unreachable(division);
  }
}

/** The same for a lane that goes on where it was, though the plan is another one. */
export function identityOf(strategy: StrategyPlan, { adaptiveWeights }: PoolPlan): string {
  return JSON.stringify([strategy, adaptiveWeights]);
}

function caseLanes(strategy: StrategyPlan, targets: readonly TargetHandle[]): LaneSpec[] {
  if (strategy.type !== "content") throw new TypeError(`${strategy.type} has no cases`);
  return [...strategy.cases, strategy.otherwise].map((ids, i) => ({
    key: i < strategy.cases.length ? `case ${i}` : "otherwise",
    kind: "shared",
    strategy: INSIDE,
    targets: targets.filter((target) => ids.includes(target.plan.id)),
  }));
}

function oneTarget(kind: LaneKind, strategy: StrategyPlan, target: TargetHandle): LaneSpec {
  const { id } = target.plan;
  const part = partName(target.plan);
  const key = part === undefined ? `${kind} ${id}` : `${kind} ${id} ${part}`;
  return { key, kind, strategy, targets: [target] };
}
