import type { NodeDegradation } from "../control/degradation/node-degradation.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { TopologySource } from "../control/topology/topology-source.ts";
import { type NodeLoadOptions, openNodeLoad } from "./node-load.ts";
import { openNodeDegradation, stepDegradation } from "./node-degradation.ts";
import { nodeTopology, type NodeTopologyOptions } from "./node-topology.ts";

/** What a node sees of itself and of those around it. */
export interface NodeView {
  readonly load: LoadMonitor;
  readonly topology: Topology;
  /** What it gives up under that load. */
  readonly degradation: NodeDegradation;
  /** Told once the node is part of a fleet. */
  readonly joined: { fleet: TopologySource | undefined };
}

/** Its load is measured until `parts` are disposed of. */
export function openNodeView(
  options: NodeLoadOptions & Omit<NodeTopologyOptions, "fleet" | "load">,
  parts: AsyncDisposableStack,
): NodeView {
  const degradation = openNodeDegradation(options);
  const sampled = (monitor: LoadMonitor): void => stepDegradation(degradation, monitor);
  const load = parts.use(openNodeLoad({ ...options, sampled }));
  const joined: NodeView["joined"] = { fleet: undefined };
  return { load, joined, degradation, topology: nodeTopology({ ...options, load, fleet: () => joined.fleet }) };
}
