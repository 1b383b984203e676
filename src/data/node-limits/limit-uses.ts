import type { Admission } from "../admit/admission.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { LimitUse } from "./node-limit.ts";
import type { Pool } from "../queue/pool-port.ts";

/** What has parts of the node's limits. */
interface LimitedParts {
  readonly admission: Pick<Admission, "tellUses" | "limitChanged">;
  readonly pools: Iterable<Pool>;
  readonly targets: Iterable<TargetHandle>;
}

/** What is done with all limits at this moment; what was missed is told once. */
export function limitUses({ admission, pools, targets }: LimitedParts): LimitUse[] {
  const uses: LimitUse[] = [];
  const waitedFor = new Set<TargetHandle>();
  admission.tellUses(uses);
  for (const pool of pools) pool.tellUses(uses, waitedFor);
  for (const target of targets) {
    const { plan, inFlight, maxInFlight } = target;
    const isFull = waitedFor.has(target) && inFlight >= maxInFlight;
    const wanted = isFull ? target.beyondPart : 0;
    uses.push({ limit: `calls ${plan.id}`, whole: plan.maxInFlight, used: inFlight, wanted });
  }
  return uses;
}

/** Whoever has a part of a limit looks how much that is now. */
export function takeLimits({ admission, pools, targets }: LimitedParts): void {
  admission.limitChanged();
  for (const target of targets) target.limitChanged();
  for (const pool of pools) pool.limitChanged();
}
