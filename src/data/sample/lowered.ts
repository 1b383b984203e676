import { DEGRADATION_STEPS, type GivenUp } from "../../plan/degradation-plan.ts";
import type { ClassShare, PriorityName } from "../../plan/sampling-plan.ts";

type LoweredShare = Pick<ClassShare, "probability" | "reason">;

/**
 * What is kept of a class while the node gives something up; undefined: it is refused, which is no
 * sampling. What is of priority high is protected: nothing is taken from it.
 */
export function lowered(share: LoweredShare, priority: PriorityName, givenUp: GivenUp): LoweredShare | undefined {
  if (priority === "high") return share;
  const isLow = priority === "low";
  const { level, unprotectedRate, lowRate } = givenUp;
  const refusedFrom = isLow ? DEGRADATION_STEPS.lowIsRefused : DEGRADATION_STEPS.onlyProtected;
  if (level >= refusedFrom) return undefined;
  const most = isLow && level >= DEGRADATION_STEPS.lowIsSampled ? Math.min(unprotectedRate, lowRate) : unprotectedRate;
  return most < share.probability ? { probability: most, reason: "degradation" } : share;
}
