import type { NodeFacts } from "../../admin/context.ts";
import type { Config } from "../../config/schema/config.ts";
import { NEWEST_SCHEMA } from "../../config/schema/fleet.ts";
import type { ReportFacts } from "../../control/fleet/follower-ports.ts";
import { FLEET_BOUNDS } from "../../control/fleet/bounds.ts";
import { NO_LOAD } from "../../control/load/load-report.ts";
import type { NodeDegradation } from "../../control/degradation/node-degradation.ts";
import type { FleetSampling } from "../../control/sampling/fleet-sampling.ts";
import type { DataPlane } from "../../plan/data-plane.ts";
import { compileMembers, type MembersPlan } from "../../plan/members.ts";
import type { MemberHealth } from "../../store/recipes/member.ts";
import { forecastUtilization } from "../node-degradation.ts";
import { standingOf } from "../node-standing.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import type { NodeLimits } from "./node-limits.ts";
import { dialable } from "./dialable.ts";
import { hostDigest } from "./host-digest.ts";

/** Of this process. */
export const HOST = hostDigest();

interface ReportSources extends Pick<FleetLinkOptions, "acknowledged" | "addresses" | "digestOf" | "load" | "walk"> {
  readonly facts: Pick<NodeFacts, "version">;
  readonly dataPlane: Pick<DataPlane, "limits" | "ready">;
  readonly degradation?: Pick<NodeDegradation, "status">;
  readonly limits?: Pick<NodeLimits, "ask">;
  readonly sampling?: Pick<FleetSampling, "report"> | undefined;
  /** What of its fleet it looks for as targets and does not find; empty: nothing. */
  readonly missing?: () => string;
}

/** How a node does: it is healthy when it can accept. */
export async function healthOf({ dataPlane }: { readonly dataPlane: Pick<DataPlane, "ready"> }): Promise<MemberHealth> {
  const { ready, reason } = await dataPlane.ready();
  return ready ? { state: "healthy" } : { state: "unhealthy", reason: reason.slice(0, FLEET_BOUNDS.reason) };
}

/** What a node tells its controller of itself. */
export async function reportFacts(sources: ReportSources): Promise<ReportFacts> {
  const { facts, addresses, load, walk, sampling, acknowledged, digestOf, limits } = sources;
  const { atMs: _atMs, ...newest } = load.newest ?? { atMs: 0, ...NO_LOAD };
  const forecast = forecastUtilization(load);
  return {
    ...(forecast !== undefined && { forecast_utilization: Math.max(0, forecast) }),
    version: facts.version,
    addresses: dialable(addresses(), walk.status.running.node.fleet.advertise),
    host: HOST,
    tags: walk.status.running.node.tags,
    capacity: { items_per_second: load.capacity.items_per_second },
    load: newest,
    counters: countersOf(load),
    // It is healthy all the same: it takes data, which waits.
    health: { reason: (sources.missing?.() ?? "").slice(0, FLEET_BOUNDS.reason), ...(await healthOf(sources)) },
    config: acknowledged?.() ?? { version: walk.status.version, digest: digestOf(walk.status.text), result: "running" },
    schema_max: NEWEST_SCHEMA,
    limits: await limits?.ask(),
    sampling: sampling?.report(),
    ...(await standingOf(sources)),
  };
}

function countersOf({ counters }: ReportSources["load"]): ReportFacts["counters"] {
  const { attemptedItems, failedItems, requests, refusedRequests } = counters;
  const items = { attempted_items: attemptedItems, failed_items: failedItems };
  return { ...items, requests, refused_requests: refusedRequests };
}

/** Which members of the fleet the targets of a config stand for. */
export function membersIn({ targets, node }: Config): readonly MembersPlan[] {
  return targets.flatMap((target) => compileMembers(target, node) ?? []);
}
