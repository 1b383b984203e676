import type { IntakeLimits } from "../../plan/data-plane.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import { type DividedPlan, sharePlan, type WorkerShare } from "./shares.ts";

/**
 * What the main process keeps of a plan: targets and pools, which it looks at and shares out, and
 * all else as the one text that every worker gets. 10,000 rules are some 2 MB of text, and many
 * times that as objects.
 */
export class KeptPlan implements DividedPlan {
  readonly version: number;
  readonly targets: PlanData["targets"];
  readonly pools: PlanData["pools"];
  /** JSON of an object. */
  readonly #rest: string;

  constructor({ targets, pools, ...rest }: PlanData) {
    this.version = rest.version;
    this.targets = targets;
    this.pools = pools;
    this.#rest = JSON.stringify(rest);
  }

  /** PlanData as JSON, with one worker's share of all limits. */
  textFor(share: WorkerShare, limits: IntakeLimits): string {
    const { targets, pools } = sharePlan(this, share, limits);
    return `${JSON.stringify({ targets, pools }).slice(0, -1)},${this.#rest.slice(1)}`;
  }
}
