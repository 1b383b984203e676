import type { TargetPlan } from "../../../plan/plan.ts";
import { hostOf } from "../../../plan/resolve-plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";

/**
 * Where a check of one address asks: at that address, also on another port; at another host as it
 * is written.
 */
export function addressFor({ url }: CheckPlan, target: TargetPlan): string | undefined {
  return target.address !== undefined && hostOf(url) === hostOf(target.url) ? target.address : undefined;
}
