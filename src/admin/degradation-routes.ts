import { z } from "zod";
import { duration } from "../config/schema/values.ts";
import type { DegradationDirective } from "../control/degradation/degradation-directive.ts";
import {
  FLEET_HELP,
  levelReasonText,
  type NodeDegradation,
  type NodeDegradationStatus,
} from "../control/degradation/node-degradation.ts";
import { DEGRADATION_LADDER, HIGHEST_LEVEL } from "../control/degradation/node-level.ts";
import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { isoTime } from "../core/iso-time.ts";
import { smallBody } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { FLEET_QUERY, type FleetNodes, readFleet } from "./fleet-view.ts";
import { fromStore, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, READ } from "./route.ts";

type DegradationContext = Pick<AdminContext, "degradation" | "env" | "facts" | "fleetDegradation" | "topology">;

const PATH = "/api/v1/degradation";
const LONGEST_NOTE = 500;

const OrderSchema = z.strictObject({
  level: z
    .int()
    .min(0)
    .max(HIGHEST_LEVEL)
    .nullable()
    .optional()
    .describe("What this node is to give up, whatever it measures; null: what it measures."),
  fleet: z
    .boolean()
    .nullable()
    .optional()
    .describe("Whether the fleet is to be degraded, whatever its load is; null: as its load is."),
  for: duration(1_000)
    .refine((ms) => ms <= LONGEST_TIMER_MS, "is longer than 24d")
    .prefault("10m")
    .describe("A duration, after which it ends by itself: 10m, or milliseconds."),
  note: z.string().max(LONGEST_NOTE).default("").describe("For people."),
});

/** What the node and its fleet give up, and what people want of that. */
export function degradationRoutes(context: DegradationContext): AdminRoute[] {
  return [
    {
      ...READ,
      path: PATH,
      summary: "What the node gives up: its level, why, since when, until when, and the fleet's.",
      statuses: [400, 503],
      query: FLEET_QUERY,
      handle: (request) => fromStore(() => degradationReply(request, context)),
    },
    {
      method: "PATCH",
      path: PATH,
      role: "operator",
      summary: "Orders a level of this node, or the fleet's degradation, for a time; or ends the order.",
      statuses: [409, 422, 503],
      ...smallBody("required", OrderSchema, (asked, request) => fromStore(() => order(asked, request, context))),
    },
  ];
}

async function degradationReply(request: AdminRequest, context: DegradationContext): Promise<AdminReply> {
  const fleet = await readFleet(request, context, fleetNodesView);
  if (!fleet.ok) return fleet.reply;
  return { status: 200, body: { ...degradationView(context.degradation), ...fleet.view } };
}

/** What each node gives up. */
function fleetNodesView({ nodes, leftOut }: FleetNodes) {
  return {
    nodes: nodes.map(({ node: { id, region, degradation }, isStale }) => ({
      id,
      region,
      level: degradation?.level ?? null,
      reason: degradation?.reason ?? null,
      since: degradation?.since ?? null,
      fleet_degraded: degradation?.fleet ?? null,
      stale: isStale,
    })),
    left_out: leftOut,
  };
}

async function order(
  { level, fleet, for: forMs, note }: z.output<typeof OrderSchema>,
  { role, signal }: AdminRequest,
  context: DegradationContext,
): Promise<AdminReply> {
  if (level === undefined && fleet === undefined)
    return problemReply(422, "say `level` or `fleet`: null ends an order");
  const untilMs = context.env.clock.wallMs() + forMs;
  if (fleet !== undefined) {
    const by = `${role} via ${context.facts.id}`;
    const answer = await orderFleet(fleet, { untilMs, forMs, note, by, signal }, context);
    if (answer !== undefined) return answer;
  }
  if (level !== undefined) await context.degradation.order(level === null ? undefined : { level, untilMs, note });
  const view = degradationView(context.degradation);
  return { status: 200, body: fleet === undefined ? view : { ...view, fleet_order: fleetOrderView(fleet, untilMs) } };
}

/**
 * What was ordered of the fleet; null: what it measures. It is obeyed once `fleet` is so, with this
 * `until`.
 */
function fleetOrderView(degraded: boolean | null, untilMs: number): Readonly<Record<string, unknown>> | null {
  return degraded === null ? null : { degraded, until: isoTime(untilMs) };
}

interface FleetOrder {
  readonly untilMs: number;
  readonly forMs: number;
  readonly note: string;
  readonly by: string;
  readonly signal: AbortSignal;
}

/** Undefined: it is done. */
async function orderFleet(
  degraded: boolean | null,
  { untilMs, forMs, note, by, signal }: FleetOrder,
  { degradation, env, fleetDegradation }: DegradationContext,
): Promise<AdminReply | undefined> {
  if (degradation.status.isAlone) {
    const ownUntilMs = env.clock.nowMs() + forMs;
    await degradation.orderFleet(degraded === null ? undefined : { isDegraded: degraded, untilMs: ownUntilMs, note });
    return undefined;
  }
  if (fleetDegradation === undefined) return problemReply(409, "this node shares no store with its fleet: ask another");
  const told = degraded === null ? undefined : { schema: 1, degraded, until_ms: untilMs, note, by };
  await fleetDegradation(told, { signal });
  return undefined;
}

/** `GET /api/v1/degradation` */
function degradationView({ status }: Pick<NodeDegradation, "status">): Readonly<Record<string, unknown>> {
  const { level, measured, order: ordered, sinceMs, stress, isEnabled, fleet, isAlone } = status;
  return {
    level,
    gives_up: DEGRADATION_LADDER.slice(1, level + 1),
    reason: reasonOf(status),
    signal: ordered === undefined ? (measured.reason?.signal ?? null) : null,
    help: ordered === undefined ? (measured.reason?.help ?? null) : null,
    since: isoTime(sinceMs),
    until: ordered === undefined ? null : isoTime(ordered.untilMs),
    ordered:
      ordered === undefined ? null : { level: ordered.level, until: isoTime(ordered.untilMs), note: ordered.note },
    measured: measured.level,
    signals: stress ?? null,
    enabled: isEnabled,
    fleet: fleet === undefined ? null : { ...fleetView(fleet), decided_by: isAlone ? "this node" : "the leader" },
  };
}

function reasonOf({ level, measured, order: ordered }: NodeDegradationStatus): string {
  if (ordered !== undefined) return ordered.note === "" ? "ordered" : `ordered: ${ordered.note}`;
  return level === 0 ? "" : levelReasonText(measured.reason);
}

function fleetView({ degraded, target_rate, reason, since_ms, until_ms }: DegradationDirective) {
  const isByLoad = reason.kind === "load" || reason.kind === "forecast";
  return {
    degraded,
    target_rate,
    reason: fleetReason(reason),
    help: degraded && isByLoad ? FLEET_HELP : null,
    load: isByLoad ? reason.load : null,
    node: isByLoad ? (reason.node ?? null) : null,
    since: isoTime(since_ms),
    until: until_ms === undefined ? null : isoTime(until_ms),
  };
}

function fleetReason(reason: DegradationDirective["reason"]): string {
  switch (reason.kind) {
    case "none":
      return "";
    case "manual":
      return reason.note === "" ? "ordered" : `ordered: ${reason.note}`;
    case "load":
      return `load ${reason.load.toFixed(2)}${worstText(reason.node)}`;
    case "forecast":
      return `load ${reason.load.toFixed(2)} expected in a minute${worstText(reason.node)}`;
    default:
      return reason satisfies never;
  }
}

function worstText(node: string | undefined): string {
  return node === undefined ? "" : `, the most on ${node}`;
}
