import { type PageAt, readPages } from "../control/topology/read-pages.ts";
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
    const most = MOST_NODES - nodes.length;
    if (most <= 0) break;
    const read = async ({ after, limit }: PageAt): Promise<RegionPage | undefined> =>
      pageOf(after === undefined ? first : await regionAfter(topology, { region: first.id, after, limit, signal }));
    for await (const page of readPages(read, { most })) {
      if (page === undefined) break;
      for (const node of page.collectors) nodes.push({ node, isStale: page.stale || node.health === "unknown" });
    }
  }
  return { nodes: nodes.slice(0, MOST_NODES), leftOut: Math.max(0, total - nodes.length) };
}

interface RegionPage extends Pick<RegionTopology, "collectors" | "stale"> {
  readonly next: string | undefined;
}

function pageOf(region: RegionTopology | undefined): RegionPage | undefined {
  return region && { ...region, next: region.next ?? undefined };
}

async function regionAfter(
  topology: Topology,
  options: Parameters<Topology["read"]>[0],
): Promise<RegionTopology | undefined> {
  return (await topology.read(options)).regions[0];
}

type FleetRead<View> =
  | { readonly ok: true; readonly view: View | undefined }
  | { readonly ok: false; readonly reply: AdminReply };

/**
 * What `viewOf` makes of the fleet's nodes where `fleet=true` asks for it; undefined: nobody does.
 * Fails where the node's store does.
 */
export async function readFleet<View>(
  { query, signal }: Pick<AdminRequest, "query" | "signal">,
  { topology }: Pick<AdminContext, "topology">,
  viewOf: (nodes: FleetNodes) => View,
): Promise<FleetRead<View>> {
  const wanted = query.get("fleet") ?? "false";
  if (wanted !== "true" && wanted !== "false")
    return { ok: false, reply: problemReply(400, "`fleet` is true, or left out") };
  return { ok: true, view: wanted === "false" ? undefined : viewOf(await fleetNodes(topology, signal)) };
}

export const FLEET_QUERY = { fleet: "true: also of each node of the fleet, as controllers know it from its Reports." };
