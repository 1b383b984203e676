import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { TopologySource } from "../control/topology/topology-source.ts";
import { type NodeLoadOptions, openNodeLoad } from "./node-load.ts";
import { nodeTopology, type NodeTopologyOptions } from "./node-topology.ts";

/** What a node sees of itself and of those around it. */
export interface NodeView {
  readonly load: LoadMonitor;
  readonly topology: Topology;
  /** Told once the node is part of a fleet. */
  readonly joined: { fleet: TopologySource | undefined };
}

/** Its load is measured until `parts` are disposed of. */
export function openNodeView(
  options: NodeLoadOptions & Omit<NodeTopologyOptions, "fleet" | "load">,
  parts: AsyncDisposableStack,
): NodeView {
  const load = parts.use(openNodeLoad(options));
  const joined: NodeView["joined"] = { fleet: undefined };
  return { load, joined, topology: nodeTopology({ ...options, load, fleet: () => joined.fleet }) };
}
