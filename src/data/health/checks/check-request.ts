import type { TargetPlan } from "../../../plan/plan.ts";
import { hostOf } from "../../../plan/resolve-plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import { asksWho } from "../../send-outcome.ts";

/**
 * Where a check of one address asks: at that address, also on another port; at another host as it
 * is written.
 */
export function addressFor({ url }: CheckPlan, target: TargetPlan): string | undefined {
  return target.address !== undefined && hostOf(url) === hostOf(target.url) ? target.address : undefined;
}

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
