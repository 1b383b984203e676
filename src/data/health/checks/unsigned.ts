import { asksWho } from "../../send-outcome.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";

/**
 * Whether an answer is of no account because the check does not say who it is: the target is passed
 * headers of senders, and the check has none. The target is there, and tells its callers apart.
 */
export function isUnsigned(code: string, check: CheckPlan, target: TargetPlan): boolean {
  return asksWho(code) && target.forwardHeaders.length > 0 && Object.keys(check.headers).length === 0;
}

/** A check's headers: its own, and the target's, which win. */
export function headersOf(check: CheckPlan, target: TargetPlan): TargetPlan["headers"] {
  return { ...check.headers, ...target.headers };
}
