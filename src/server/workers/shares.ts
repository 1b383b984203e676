import type { IntakeLimits } from "../../plan/data-plane.ts";
import type { PlanData } from "../../plan/plan-data.ts";

/** Which of how many workers: from 0. */
export interface WorkerShare {
  readonly index: number;
  readonly of: number;
}

/** The parts of a plan that are not the same for all workers. */
export type DividedPlan = Pick<PlanData, "targets" | "pools">;

/**
 * A plan's limits are the node's: each worker gets its share, and all shares together are the
 * limit. Not less than one call to a target at a time, so that none starves: more workers than
 * `max_in_flight` may have that many. A queue takes the longest request.
 */
export function sharePlan(plan: DividedPlan, share: WorkerShare, { maxRequestBytes }: IntakeLimits): DividedPlan {
  if (share.of === 1) return plan;
  return {
    targets: plan.targets.map((target) => ({
      ...target,
      maxInFlight: Math.max(1, shareOf(target.maxInFlight, share)),
    })),
    pools: plan.pools.map(({ queue, ...pool }) => {
      const least = Math.min(queue.maxBytes, maxRequestBytes);
      return { ...pool, queue: { ...queue, maxBytes: Math.max(least, shareOf(queue.maxBytes, share)) } };
    }),
  };
}

/**
 * What one worker may take on. Connections are counted where they are accepted; a request that is
 * alone is always taken.
 */
export function shareLimits(limits: IntakeLimits, share: WorkerShare): IntakeLimits {
  return {
    ...limits,
    maxInFlightBytes: Math.max(1, shareOf(limits.maxInFlightBytes, share)),
    maxConcurrentRequests: Math.max(1, shareOf(limits.maxConcurrentRequests, share)),
  };
}

/** The first get what cannot be divided. */
function shareOf(whole: number, { index, of }: WorkerShare): number {
  return Math.floor(whole / of) + (index < whole % of ? 1 : 0);
}
