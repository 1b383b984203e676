import type { PoolPlan, TargetPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "./target-port.ts";

/**
 * Targets of pools in which nothing works that stays: new ones there cannot wait until they are
 * proven.
 */
export function aloneTargets(
  present: ReadonlyMap<string, TargetHandle>,
  next: ReadonlyMap<string, TargetPlan>,
  pools: Iterable<Pick<PoolPlan, "targets">>,
): Set<string> {
  const works = new Set<string>();
  for (const target of present.values())
    if (target.health().state === "ready") works.add(target.plan.connectionIdentity);
  const stays = (id: string): boolean => works.has(next.get(id)?.connectionIdentity ?? "");
  const alone = [...pools].filter(({ targets }) => !targets.some(stays));
  return new Set(alone.flatMap(({ targets }) => targets));
}
