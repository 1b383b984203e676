import type { NodeFacts } from "../admin/context.ts";
import type { ConfigWalk } from "../control/apply.ts";
import { type CollectorView, CollectorViewSchema } from "../control/fleet/messages.ts";
import type { NodeDegradation } from "../control/degradation/node-degradation.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import { NO_LOAD } from "../control/load/load-report.ts";
import { ownTopology } from "../control/topology/own-topology.ts";
import { sharedSource } from "../control/topology/shared-source.ts";
import { Topology } from "../control/topology/topology.ts";
import type { TopologySource } from "../control/topology/topology-source.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { Env } from "../telemetry/env.ts";
import { standingOf } from "./node-standing.ts";

export interface NodeTopologyOptions {
  readonly facts: NodeFacts;
  readonly walk: Pick<ConfigWalk, "status">;
  readonly dataPlane: Pick<DataPlane, "limits" | "ready" | "status">;
  readonly degradation: Pick<NodeDegradation, "status">;
  readonly load: LoadMonitor;
  readonly env: Env;
  /** Of the fleet that the node belongs to; undefined: the node by itself. */
  readonly fleet: () => TopologySource | undefined;
}

/** What a node tells of who is there: of its fleet, or of itself when it has none. */
export function nodeTopology(options: NodeTopologyOptions): Topology {
  const { clock, random } = options.env;
  const own = ownTopology(() => describeSelf(options));
  const source = sharedSource(() => options.fleet() ?? own, clock);
  return new Topology({ source, clock, random });
}

/** The node as a collector whom its controller has just heard. */
async function describeSelf(options: NodeTopologyOptions): Promise<CollectorView> {
  const { facts, walk, dataPlane, load, env } = options;
  const [{ addresses }, { ready, reason }] = await Promise.all([dataPlane.status(), dataPlane.ready()]);
  const { newest, capacity } = load;
  const { version, digest, running } = walk.status;
  return CollectorViewSchema.parse({
    id: facts.id,
    region: running.node.region,
    incarnation: String(facts.startedMs),
    version: facts.version,
    addresses: { ...addresses },
    tags: running.node.tags,
    capacity: { items_per_second: capacity.items_per_second },
    load: newest ?? NO_LOAD,
    health: ready ? { state: "healthy" } : { state: "unhealthy", reason },
    config: { version, digest, result: "running" },
    ...(await standingOf(options)),
    age_ms: newest === undefined ? 0 : Math.max(0, env.clock.wallMs() - newest.atMs),
  });
}
