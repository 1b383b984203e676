import type { NodeDegradation } from "../control/degradation/node-degradation.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { TopologySource } from "../control/topology/topology-source.ts";
import { isAlone } from "./fleet/link-to-fleet.ts";
import type { NodeFleet } from "./node-fleet.ts";
import { type NodeLoadOptions, openNodeLoad } from "./node-load.ts";
import { openNodeDegradation, stepDegradation } from "./node-degradation.ts";
import { type NodeSampler, type NodeSamplerOptions, openNodeSampling } from "./node-sampling.ts";
import { nodeTopology, type NodeTopologyOptions } from "./node-topology.ts";

/** What a node sees of itself and of those around it, and what it keeps of what it sees come. */
export interface NodeView {
  readonly load: LoadMonitor;
  readonly topology: Topology;
  /** What it gives up under that load. */
  readonly degradation: NodeDegradation;
  readonly sampling: NodeSampler;
  /** Told once the node is part of a fleet. */
  readonly joined: { fleet: TopologySource | undefined };
}

type NodeViewOptions = NodeLoadOptions &
  Omit<NodeTopologyOptions, "degradation" | "fleet" | "load"> &
  Omit<NodeSamplerOptions, "isInFleet" | "shared"> & { readonly fleet: NodeFleet | undefined };

/** Its load is measured until `parts` are disposed of. */
export async function openNodeView(options: NodeViewOptions, parts: AsyncDisposableStack): Promise<NodeView> {
  const shared = options.fleet?.coordination.place;
  const sampling = parts.use(await openNodeSampling({ ...options, shared, isInFleet: !isAlone(options.node) }));
  const degradation = openNodeDegradation(options);
  const sampled = (monitor: LoadMonitor): void => stepDegradation(degradation, monitor);
  const load = parts.use(openNodeLoad({ ...options, sampled, seen: (snapshot) => sampling.seen(snapshot) }));
  const joined: NodeView["joined"] = { fleet: undefined };
  const topology = nodeTopology({ ...options, load, degradation, fleet: () => joined.fleet });
  return { load, joined, degradation, sampling, topology };
}
