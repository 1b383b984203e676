import { planText } from "../../plan/read-plan-data.ts";
import type { PlanData } from "../../plan/plan-data.ts";

/** The parts of a plan that have limits. */
export type SharedPlan = Pick<PlanData, "targets" | "pools" | "limits">;

/**
 * What the main process keeps of a plan: targets and pools, which it looks at, and all of it as the
 * one text that every worker gets. 10,000 rules are some 2 MB of text, and many times that as
 * objects.
 */
export class KeptPlan implements SharedPlan {
  readonly version: number;
  /** Of the document: that of a plan made of the same text once more is the same. */
  readonly digest: string;
  readonly targets: PlanData["targets"];
  readonly pools: PlanData["pools"];
  readonly limits: PlanData["limits"];
  /** PlanData as JSON. */
  readonly text: string;

  constructor(plan: PlanData) {
    this.version = plan.version;
    this.digest = plan.digest;
    this.targets = plan.targets;
    this.pools = plan.pools;
    this.limits = plan.limits;
    this.text = planText(plan);
  }
}
