import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { Topology } from "../control/topology/topology.ts";
import { type NodeLoadOptions, openNodeLoad } from "./node-load.ts";
import { nodeTopology, type NodeTopologyOptions } from "./node-topology.ts";

/** What a node sees of itself and of those around it. */
export interface NodeView {
  readonly load: LoadMonitor;
  readonly topology: Topology;
}

/** Its load is measured until `parts` are disposed of. */
export function openNodeView(
  options: NodeLoadOptions & Omit<NodeTopologyOptions, "load">,
  parts: AsyncDisposableStack,
): NodeView {
  const load = parts.use(openNodeLoad(options));
  return { load, topology: nodeTopology({ ...options, load }) };
}
