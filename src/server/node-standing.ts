import type { CollectorDegradation, CollectorLimits } from "../control/fleet/messages.ts";
import { FLEET_BOUNDS } from "../control/fleet/bounds.ts";
import type { NodeDegradation } from "../control/degradation/node-degradation.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { LimitUsage } from "../plan/limits/limit-shares.ts";

interface StandingParts {
  readonly dataPlane: Pick<DataPlane, "limits">;
  /** Absent: it says nothing of what it gives up. */
  readonly degradation?: Pick<NodeDegradation, "status">;
}

/** What a node lets in and gives up, as people are told of it. */
interface NodeStanding {
  readonly limited: CollectorLimits | undefined;
  readonly degraded: CollectorDegradation | undefined;
}

export async function standingOf({ dataPlane, degradation }: StandingParts): Promise<NodeStanding> {
  const limited = limitedOf((await dataPlane.limits(0))?.total);
  return { limited, degraded: degradation && degradedOf(degradation.status) };
}

function degradedOf({ level, sinceMs, fleet, givenUp }: NodeDegradation["status"]): CollectorDegradation {
  const reason = givenUp.why.slice(0, FLEET_BOUNDS.reason);
  return { level, reason, since_ms: sinceMs, fleet: fleet?.degraded === true };
}

/** Undefined: nothing is limited. */
function limitedOf(usage: LimitUsage | undefined): CollectorLimits | undefined {
  if (usage === undefined) return undefined;
  const { limit, wanted, granted, offered, used, shed } = usage;
  return { limit, wanted, granted, offered, used, shed };
}
