import { RouterError } from "../core/errors.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { CollectorTopology, RegionTopology } from "../control/topology/topology-view.ts";
import type { AdminContext } from "./context.ts";
import { problemReply } from "./reply.ts";
import type { AdminReply, AdminRequest } from "./route.ts";

/** A page of collectors, and how many are looked at of all regions. */
const PAGE = 200;
const MOST_NODES = 2_000;

/** The collectors of a fleet with what each says of itself, as their controllers know it. */
export interface FleetNodes {
  readonly nodes: readonly FleetNode[];
  /** Collectors that were not looked at: there are too many. */
  readonly leftOut: number;
}

export interface FleetNode {
  readonly node: CollectorTopology;
  /** What is told of it is of the past, or it is silent. */
  readonly isStale: boolean;
}

/** Region by region, each in the order of ids; 2,000 at most. Throws as the store does. */
export async function fleetNodes(topology: Topology, signal: AbortSignal): Promise<FleetNodes> {
  const { regions } = await topology.read({ limit: PAGE, signal });
  const total = regions.reduce((sum, one) => sum + one.collectors_total, 0);
  const nodes: FleetNode[] = [];
  for (const first of regions) {
    let region: RegionTopology | undefined = first;
    while (region !== undefined && nodes.length < MOST_NODES) {
      for (const node of region.collectors) nodes.push({ node, isStale: region.stale || node.health === "unknown" });
      region = await nextPage(topology, region, signal);
    }
  }
  return { nodes: nodes.slice(0, MOST_NODES), leftOut: Math.max(0, total - nodes.length) };
}

async function nextPage(
  topology: Topology,
  { id, next }: RegionTopology,
  signal: AbortSignal,
): Promise<RegionTopology | undefined> {
  if (next === null) return undefined;
  const { regions } = await topology.read({ region: id, after: next, limit: PAGE, signal });
  return regions[0];
}

export type FleetRead<View> =
  | { readonly ok: true; readonly view: View | undefined }
  | { readonly ok: false; readonly reply: AdminReply };

/**
 * What `viewOf` makes of the fleet's nodes where `fleet=true` asks for it; undefined: nobody does.
 */
export async function readFleet<View>(
  { query, signal }: Pick<AdminRequest, "query" | "signal">,
  { topology }: Pick<AdminContext, "topology">,
  viewOf: (nodes: FleetNodes) => View,
): Promise<FleetRead<View>> {
  const wanted = query.get("fleet") ?? "false";
  if (wanted !== "true" && wanted !== "false")
    return { ok: false, reply: problemReply(400, "`fleet` is true, or left out") };
  if (wanted === "false") return { ok: true, view: undefined };
  try {
    return { ok: true, view: viewOf(await fleetNodes(topology, signal)) };
  } catch (cause) {
    if (!(cause instanceof RouterError) || !cause.code.startsWith("STORE_")) throw cause;
    return { ok: false, reply: problemReply(503, `the coordination store: ${cause.message}`) };
  }
}

export const FLEET_QUERY = { fleet: "true: also of each node of the fleet, as controllers know it from its Reports." };
