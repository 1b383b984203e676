import { type ConfigWalk, isToRepeat } from "../../control/apply.ts";
import { FLEET_BOUNDS } from "../../control/fleet/bounds.ts";
import type { ConfigReconcilerOptions } from "../../control/fleet/config-reconciler.ts";
import type { CollectorConfig } from "../../control/fleet/messages.ts";
import type { FleetConfigStatus, FleetFollower } from "../../control/truth/fleet-follower.ts";
import type { NodeFleet } from "../node-fleet.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";

/** Who takes a fleet's config over on a node. */
export type FollowingNode = Pick<
  FleetFollower,
  "fleetRuns" | "followVersion" | "status" | "textOf" | "tries" | "trouble" | "whenRefused"
>;

/** How a node applies what its controller tells it to run. */
export function takeOverBy(
  follower: FollowingNode,
  isController: boolean,
  shared: Pick<NodeFleet, "truth"> | undefined,
): Pick<FleetLinkOptions, "follow" | "followStore" | "textOf"> {
  const follow = takeOver(follower);
  const textOf = (digest: string): string | undefined => follower.textOf(digest);
  // A controller watches the store for what all run: it is told of what it is to try.
  if (isController) return { follow: onlyTried(follower, follow), textOf };
  return {
    follow,
    textOf,
    ...(shared !== undefined && { followStore: (signal: AbortSignal) => followStore(follower, shared, signal) }),
  };
}

/** The store is the first to say what all run, and a directive may be older than that. */
function onlyTried(
  follower: FollowingNode,
  follow: ConfigReconcilerOptions["follow"],
): ConfigReconcilerOptions["follow"] {
  return async (wanted, text) => {
    const { triedFor } = wanted;
    if (triedFor === undefined)
      return follower.tries || isOwed(follower, wanted.version) ? follow(wanted, text) : "done";
    return triedFor === follower.fleetRuns ? follow(wanted, text) : "again";
  };
}

/** What it was told last it would not run, and that is over: it says what it runs again. */
function isOwed({ fleetRuns, status: { acknowledged } }: FollowingNode, version: number): boolean {
  if (acknowledged === undefined || acknowledged.result === "applied") return false;
  return fleetRuns === version && acknowledged.version !== version;
}

function takeOver(follower: Pick<FleetFollower, "followVersion">): ConfigReconcilerOptions["follow"] {
  return async (wanted, text) => {
    const outcome = await follower.followVersion({ ...wanted, author: "", note: "" }, text);
    return isToRepeat(outcome) ? "again" : "done";
  };
}

async function followStore(
  follower: Pick<FleetFollower, "followVersion" | "trouble">,
  { truth }: Pick<NodeFleet, "truth">,
  signal: AbortSignal,
): Promise<void> {
  const seen = await truth.inspect(signal);
  if (seen.kind === "trouble") return follower.trouble(seen.trouble);
  const { version, sha256, by: author, note, text } = seen.version;
  await follower.followVersion({ version, sha256, author, note }, text);
}

/** As Reports have it. */
export function acknowledgedBy(
  { acknowledged }: FleetConfigStatus,
  { version, text }: ConfigWalk["status"],
  digestOf: (text: string) => string,
): CollectorConfig | undefined {
  if (acknowledged === undefined || acknowledged.result === "applied") return undefined;
  const { version: tried_version, digest: tried_digest, reason } = acknowledged;
  const more = { tried_version, tried_digest, reason: reason.slice(0, FLEET_BOUNDS.reason) };
  return { version, digest: digestOf(text), result: "refused", ...more };
}
