import type { PoolPlan } from "../../plan/plan.ts";
import { ALL_OF_IT } from "../node-limits/node-limit.ts";
import type { PoolEnv } from "./pool-port.ts";
import { RETRIES_A_SECOND, type RetryBudget } from "./retry-policy.ts";
import type { Room } from "./room.ts";

/** Sets how much a pool may hold and retry: this process's parts of what the node may. */
export function takeLimits({ name, queue }: PoolPlan, room: Room, budget: RetryBudget, env: PoolEnv): void {
  const partOf = env.partOf ?? ALL_OF_IT;
  room.wholeBytes = queue.maxBytes;
  room.maxBytes = partOf(`queue ${name}`, queue.maxBytes);
  const { maxItems } = queue;
  // A part of none would let nothing in; who has one takes what comes while it holds nothing.
  room.maxItems = maxItems === undefined ? Infinity : Math.max(1, partOf(`items ${name}`, maxItems));
  budget.adopt(partOf(`retries ${name}`, RETRIES_A_SECOND), env.clock.nowMs());
}
