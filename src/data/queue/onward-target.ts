import { hopsIn } from "../../plan/hops.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { Delivery } from "./delivery.ts";
import type { StorePartition } from "./queue-store.ts";

/**
 * Where windows are full: to whom what came from another node of the fleet is sent on beside them,
 * one call at a time of what has come over as many links. Else nodes that send to each other in a
 * circle could wait for each other's windows for ever, since each call holds one of the node before
 * it. With room of its own for each number of links the last of them, which is refused, always
 * goes, and so do all before it, whatever the circle.
 */
export function onwardTarget(
  { tenant, signal }: StorePartition,
  { record, paused }: Delivery,
  targets: readonly TargetHandle[],
  nowMs: number,
): TargetHandle | undefined {
  if (tenant === undefined || tenant.inFlight > 0 || hopsIn(record.headers) === 0) return undefined;
  let best: TargetHandle | undefined;
  for (const target of targets) {
    if (target.plan.members === undefined) continue;
    for (const part of target.parts?.all ?? [target]) {
      const { key } = part;
      if (!part.usable(nowMs, signal) || record.unreachable.includes(key) || record.unwilling.includes(key)) continue;
      if (paused?.includes(key) === true || (best !== undefined && part.inFlight >= best.inFlight)) continue;
      best = part;
    }
  }
  return best;
}
