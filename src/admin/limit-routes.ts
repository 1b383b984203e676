import { z } from "zod";
import type { Values } from "../config/values.ts";
import type { CollectorLimits } from "../control/fleet/messages.ts";
import type { KeyUsage, LimitsUsage, LimitUsage } from "../plan/limits/limit-shares.ts";
import { smallBody } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { FLEET_QUERY, type FleetNode, type FleetNodes, readFleet } from "./fleet-view.ts";
import { changeReply, etagOf, fromStore, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, CHANGE, READ, type View } from "./route.ts";
import { CHANGE_QUERY, publishTermsOf } from "./publish-query.ts";

const PATH = "/api/v1/limits";
const DEFAULT_KEYS = "50";
const MOST_KEYS = 200;

const PatchSchema = z
  .record(z.string(), z.unknown())
  .describe("Some of global.rate_limiting, as in the config; null takes a setting out.");

/** What is let in of `global.rate_limiting`, and how much that is to be. */
export function limitRoutes(context: AdminContext): AdminRoute[] {
  return [
    {
      ...READ,
      path: PATH,
      summary:
        "What this node lets in of global.rate_limiting: of everything, and of the keys nearest to their limits.",
      statuses: [400, 503],
      query: { keys: `So many keys, up to ${MOST_KEYS}; default: ${DEFAULT_KEYS}.`, ...FLEET_QUERY },
      handle: (request) => fromStore(() => limitsReply(request, context)),
    },
    {
      ...CHANGE,
      method: "PATCH",
      path: PATH,
      summary: "Change global.rate_limiting: what is named is so from then on, null takes it out (RFC 7396).",
      query: CHANGE_QUERY,
      ...smallBody("required", PatchSchema, (patch, request) => changeLimits(patch, request, context)),
    },
  ];
}

async function limitsReply(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const { query } = request;
  const { dataPlane, walk, table } = context;
  const fleet = await readFleet(request, context, fleetLimitsView);
  if (!fleet.ok) return fleet.reply;
  const keys = query.get("keys") ?? DEFAULT_KEYS;
  if (!/^\d{1,3}$/u.test(keys) || Number(keys) > MOST_KEYS) {
    return problemReply(400, `\`keys\` is no number of keys up to ${MOST_KEYS}`);
  }
  const limiting = walk.status.running.global.rate_limiting;
  const usage = await dataPlane.limits(Number(keys));
  const body = {
    ...totalView(usage),
    key: limiting?.key ?? null,
    mixed: limiting?.mixed ?? null,
    keys: usage?.keyCount ?? 0,
    services: usage?.keys.map(keyView) ?? [],
    ...(fleet.view !== undefined && { fleet: fleet.view }),
  };
  return { status: 200, body, headers: { etag: etagOf(table.status.version) } };
}

async function changeLimits(patch: Values, request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const edit = { kind: "merge", at: ["global", "rate_limiting"], patch } as const;
  return changeReply(await context.table.edit(edit, request.guard, true, publishTermsOf(request, context)), "limit");
}

function totalView(usage: LimitsUsage | undefined): View {
  if (usage === undefined)
    return { limit: null, burst: null, asked: null, granted: null, offered: null, used: null, shed: null };
  const { limit, ...used } = usageView(usage.total);
  return { limit, burst: usage.total.burst, ...used };
}

function keyView({ key, ...usage }: KeyUsage): View {
  return { service: key, ...usageView(usage) };
}

function usageView({ limit, wanted, granted, offered, used, shed }: LimitUsage): View {
  const its = { asked: rounded(wanted), granted: rounded(granted), offered: rounded(offered), used: rounded(used) };
  return { limit, ...its, shed };
}

/**
 * What each region and each node asks for, was granted and uses of the limit of everything
 * together: items a second, but `shed`, which is items since the start.
 */
function fleetLimitsView({ nodes, leftOut }: FleetNodes): View {
  const byRegion = Map.groupBy(nodes, ({ node }) => node.region);
  return {
    regions: Array.from(byRegion, ([region, its]) => regionLimitsView(region, its)),
    nodes: nodes.map(({ node: { id, region, limits }, isStale }) => ({
      id,
      region,
      part: limits && partOf(limits), // null: nothing is limited there, or it does not say
      stale: isStale,
    })),
    left_out: leftOut,
  };
}

function regionLimitsView(region: string, nodes: readonly FleetNode[]): View {
  const parts = nodes.flatMap(({ node }) => (node.limits === null ? [] : [partOf(node.limits)]));
  const sum = (of: keyof ReturnType<typeof partOf>): number => rounded(parts.reduce((all, one) => all + one[of], 0));
  const [asked, granted, offered] = [sum("asked"), sum("granted"), sum("offered")];
  return { region, collectors: nodes.length, asked, granted, offered, used: sum("used"), shed: sum("shed") };
}

function partOf({ wanted: asked, granted, offered, used, shed }: CollectorLimits) {
  return { asked, granted, offered, used, shed };
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}
