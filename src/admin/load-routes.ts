import { parseDuration } from "../core/units.ts";
import type { AdminContext } from "./context.ts";
import { loadView, MAX_HORIZON_MS } from "./load-view.ts";
import { problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, READ } from "./route.ts";

const DEFAULT_HORIZON = "1m";
const DEFAULT_HISTORY = "60";

/** The node's own load. */
export function loadRoutes(context: AdminContext): AdminRoute[] {
  return [
    {
      ...READ,
      path: "/api/v1/load",
      summary: "The node's load: now, its history, and a forecast of its items.",
      statuses: [400],
      query: {
        horizon: `How far the forecast looks ahead: 30s, 5m, or milliseconds, up to a day; default: ${DEFAULT_HORIZON}.`,
        history: `How many of the newest samples are told; default: ${DEFAULT_HISTORY}.`,
      },
      handle: (request) => loadReply(request, context),
    },
  ];
}

function loadReply({ query }: AdminRequest, { load, facts, walk }: AdminContext): AdminReply {
  const horizonMs = horizonOf(query.get("horizon") ?? DEFAULT_HORIZON);
  if (horizonMs === undefined) return problemReply(400, "`horizon` is no duration up to a day: write 30s, 5m or 1h");
  const history = query.get("history") ?? DEFAULT_HISTORY;
  if (!/^\d{1,6}$/u.test(history)) return problemReply(400, "`history` is no number of samples");
  const of = { id: facts.id, region: walk.status.running.node.region };
  return { status: 200, body: { ...of, ...loadView(load, { horizonMs, history: Number(history) }) } };
}

function horizonOf(text: string): number | undefined {
  const ms = /^\d+$/u.test(text) ? Number(text) : parseDuration(text);
  return ms !== undefined && ms > 0 && ms <= MAX_HORIZON_MS ? ms : undefined;
}
