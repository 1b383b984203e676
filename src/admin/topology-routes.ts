import { DEFAULT_CRITERIA, type SelectionCriteria } from "../control/topology/best-collector.ts";
import type { AdminContext } from "./context.ts";
import { fromStore, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, READ } from "./route.ts";

/** Who is there is told by Reports. */
const AGAIN_SECONDS = "5";
const DEFAULT_LIMIT = "100";
const MAX_LIMIT = 200;
const CRITERIA = ["load", "latency", "capacity"] as const satisfies readonly (keyof SelectionCriteria)[];

/** Who is there: regions, collectors, members. */
export function topologyRoutes(context: AdminContext): AdminRoute[] {
  const region = "Of this region alone.";
  return [
    {
      ...READ,
      path: "/api/v1/topology",
      summary: "Regions with their health, totals and collectors; of a node without a fleet, itself.",
      statuses: [400, 404, 503],
      query: {
        region,
        after: "Collectors after the one with this id; with `region`.",
        limit: `Collectors of each region, up to ${MAX_LIMIT}; default: ${DEFAULT_LIMIT}.`,
      },
      handle: (request) => fromStore(() => topologyReply(request, context)),
    },
    collectorRoute(context),
    {
      ...READ,
      path: "/api/v1/topology/best",
      summary: "A collector to send to: one of two that are drawn by the capacity that they have left.",
      statuses: [400, 404, 503],
      query: {
        region,
        load: "How much it counts that a collector has little to do; default: 1.",
        latency: "How much it counts that it answers fast; default: 1.",
        capacity: "How much it counts that it could take more items; default: 1.",
      },
      handle: (request) => fromStore(() => bestReply(request, context)),
    },
    {
      ...READ,
      path: "/api/v1/members",
      summary: "Members: where each is, when it was heard last, and the controllers that see it.",
      statuses: [503],
      handle: ({ signal }) =>
        fromStore(async () => ({ status: 200, body: await context.topology.members({ signal }) })),
    },
  ];
}

function collectorRoute(context: AdminContext): AdminRoute {
  return {
    ...READ,
    path: "/api/v1/topology/collectors/{id}",
    summary: "All that its controller knows of one collector. Its past: /api/v1/load of the node itself.",
    statuses: [404, 503],
    query: { region: "Where it reports; left out: the controllers of all regions are asked." },
    handle: (request) => fromStore(() => memberReply(request, context)),
  };
}

async function topologyReply({ query, signal }: AdminRequest, { topology }: AdminContext): Promise<AdminReply> {
  const [region, after] = [query.get("region") ?? undefined, query.get("after") ?? undefined];
  const limit = query.get("limit") ?? DEFAULT_LIMIT;
  if (!/^\d{1,3}$/u.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT)
    return problemReply(400, `\`limit\` is no number from 1 to ${MAX_LIMIT}`);
  if (after !== undefined && region === undefined)
    return problemReply(400, "`after` goes with `region`: pages are those of one region");
  const view = await topology.read({ region, after, limit: Number(limit), signal });
  if (region !== undefined && view.regions.length === 0) return problemReply(404, `there is no region ${region}`);
  return { status: 200, body: view };
}

async function memberReply({ params, query, signal }: AdminRequest, { topology }: AdminContext): Promise<AdminReply> {
  const { id = "" } = params;
  const region = query.get("region") ?? undefined;
  const { member, isSure } = await topology.member(id, { region, signal });
  if (member !== undefined) return { status: 200, body: member };
  const where = region === undefined ? "" : ` of region ${region}`;
  return isSure
    ? problemReply(404, `no collector ${id}${where} reports to a controller`)
    : problemReply(503, `no controller that answered knows a collector ${id}${where}, and not all have answered`);
}

async function bestReply({ query, signal }: AdminRequest, { topology }: AdminContext): Promise<AdminReply> {
  const region = query.get("region") ?? undefined;
  const criteria = { ...DEFAULT_CRITERIA };
  for (const name of CRITERIA) {
    const weight = query.get(name);
    if (weight === null) continue;
    if (!/^\d{1,9}(?:\.\d{1,9})?$/u.test(weight))
      return problemReply(400, `\`${name}\` is no weight: write a number, 0 or above`);
    criteria[name] = Number(weight);
  }
  if (CRITERIA.every((name) => criteria[name] === 0))
    return problemReply(400, "nothing counts: one of `load`, `latency` and `capacity` has to be above 0");
  const best = await topology.best({ region, criteria, signal });
  if (best !== undefined) return { status: 200, body: best };
  if (region !== undefined) {
    const { regions } = await topology.read({ region, after: undefined, limit: 1, signal });
    if (regions.length === 0) return problemReply(404, `there is no region ${region}`);
  }
  const where = region === undefined ? "no collector" : `no collector of region ${region}`;
  return problemReply(503, `${where} is healthy and has capacity left`, { headers: { "retry-after": AGAIN_SECONDS } });
}
