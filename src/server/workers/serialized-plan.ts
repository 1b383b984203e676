import type { PlanData } from "../../plan/plan-data.ts";
import { changeBetween, type PlanChange, planText, summed, type SummedText } from "../../plan/plan-text.ts";

/** The parts of a plan that have limits. */
export type SharedPlan = Pick<PlanData, "targets" | "pools" | "limits">;

/**
 * What the main process keeps of a plan: targets, pools and rules as they are, and all of it as the
 * one text that every worker gets. Of a plan that differs from the one before in a few rules, their
 * lines are what is made, and sent.
 */
export class SerializedPlan implements SharedPlan {
  readonly version: number;
  /** Of the document: that of a plan made of the same text once more is the same. */
  readonly digest: string;
  readonly targets: PlanData["targets"];
  readonly pools: PlanData["pools"];
  readonly limits: PlanData["limits"];
  readonly rules: PlanData["rules"];
  /** PlanData as JSON. */
  readonly text: string;
  #summed: SummedText | undefined;

  constructor(plan: PlanData, before?: SerializedPlan) {
    this.version = plan.version;
    this.digest = plan.digest;
    this.targets = plan.targets;
    this.pools = plan.pools;
    this.limits = plan.limits;
    this.rules = plan.rules;
    this.text = planText(plan, before);
  }

  /** Undefined: all of it is to be sent. */
  changeFrom(before: SerializedPlan): PlanChange | undefined {
    return this.text.length < SHORT ? undefined : changeBetween(before.#sum, this.#sum);
  }

  get #sum(): SummedText {
    return (this.#summed ??= summed(this.text));
  }
}

/** Plans of this length are sent as they are. */
const SHORT = 65_536;
