import type { PlanData } from "../../plan/plan-data.ts";
import { changeBetween } from "../../plan/plan-change.ts";
import type { NumberedChange, NumberedPlan } from "./messages.ts";

/** The parts of a plan that have limits. */
export type SharedPlan = Pick<PlanData, "targets" | "pools" | "limits">;

/** What the main process keeps of a plan: the data itself, whose rules are those of the config. */
export class SerializedPlan {
  /** Another one for each plan of a node, also where two are of one version. */
  readonly number: number;
  readonly data: PlanData;

  constructor(data: PlanData, number: number) {
    this.data = data;
    this.number = number;
  }

  /** All of it, as a worker gets it. */
  get whole(): NumberedPlan {
    return { number: this.number, data: this.data };
  }

  /** Undefined: all of it is to be sent. */
  changeFrom(before: SerializedPlan): NumberedChange | undefined {
    const change = this.data.rules.length < FEW ? undefined : changeBetween(before.data, this.data);
    return change && { from: before.number, to: this.number, change };
  }
}

/** Plans of so few rules are sent as they are. */
const FEW = 100;
