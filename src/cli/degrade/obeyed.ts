import { listOf, type Values } from "../../config/values.ts";
import { sleep } from "../../core/clock.ts";
import { type AdminCall, callAdmin } from "../admin-client/client.ts";
import { fieldsOf, shown, timeOf } from "../admin-client/fields.ts";
import type { AdminOptions } from "../admin-client/options.ts";
import type { Io } from "../command.ts";
import { counted } from "../print.ts";

/** What `PATCH` says was ordered of the fleet. */
interface GivenOrder {
  readonly degraded: boolean;
  /** Milliseconds since 1970. */
  readonly untilMs: number;
}

/** Who obeys an order for the fleet, by what nodes have reported. */
export interface Obeyed {
  /** What the fleet does, as the node that is asked knows it, is of this order. */
  readonly taken: boolean;
  readonly by: number;
  readonly of: number;
  /** Nodes that were not looked at: there are too many. */
  readonly left_out: number;
  /** Since the order was written. */
  readonly after_ms: number;
  /** Nodes that do something else, or are silent, or do not say. */
  readonly not_yet: readonly string[];
  /** `GET /api/v1/degradation?fleet=true`, as it was last. */
  readonly body: unknown;
}

/** Between two looks. */
const LOOK_MS = 500;
/** A node that is alone tells the end of an order by another of its clocks. */
const SAME_MS = 1_000;
const CALL: AdminCall = { method: "GET", path: ["degradation"], query: { fleet: "true" } };

/** Null: it was ended. Undefined: the node is of a version that does not say. */
export function orderIn(body: unknown): GivenOrder | null | undefined {
  const { fleet_order: order } = fieldsOf(body);
  if (order === undefined || order === null) return order;
  const { degraded, until } = fieldsOf(order);
  return { degraded: degraded === true, untilMs: timeOf(until) };
}

/** Whether what is shown of the fleet is of this order, and not of another one or of the load. */
export function isOfOrder(fleet: unknown, order: GivenOrder | null): boolean {
  const { degraded, until, reason } = fieldsOf(fleet);
  if (order === null) return !String(reason).startsWith("ordered");
  return degraded === order.degraded && Math.abs(timeOf(until) - order.untilMs) <= SAME_MS;
}

/**
 * Looks until the leader has taken the order and all nodes do as it says, for at most so long.
 * Undefined: the node that is asked says nothing of its fleet.
 */
export async function waitUntilObeyed(
  order: GivenOrder,
  waitMs: number,
  options: AdminOptions,
  { clock, interrupted }: Pick<Io, "clock" | "interrupted">,
): Promise<Obeyed | undefined> {
  const fromMs = clock.nowMs();
  const stopped = interrupted();
  let last: Obeyed | undefined;
  for (;;) {
    const answer = await callAdmin(CALL, options, clock);
    const passedMs = clock.nowMs() - fromMs;
    if (answer.kind === "ok") last = obeyedIn(answer.body, order, passedMs);
    const isDone = last !== undefined && last.of > 0 && last.not_yet.length === 0;
    if (isDone || passedMs >= waitMs || stopped.aborted) return last;
    await sleep(clock, Math.min(LOOK_MS, waitMs - passedMs), stopped).catch(() => undefined);
  }
}

/** Undefined: it is of a version that tells nothing of nodes. */
function obeyedIn(body: unknown, order: GivenOrder, passedMs: number): Obeyed | undefined {
  const view = fieldsOf(body);
  if (!Array.isArray(view["nodes"])) return undefined;
  const nodes = listOf(view["nodes"]).map(fieldsOf);
  const taken = isOfOrder(view["fleet"], order);
  const isObeying = (one: Values): boolean =>
    taken && one["stale"] !== true && one["fleet_degraded"] === order.degraded;
  const others = nodes.filter((one) => !isObeying(one));
  return {
    taken,
    by: nodes.length - others.length,
    of: nodes.length,
    left_out: Number(view["left_out"] ?? 0),
    after_ms: Math.round(passedMs),
    not_yet: others.map(({ id }) => shown(id)),
    body,
  };
}

/** How many names are told. */
const MOST_NAMES = 20;

export function obeyedText({ taken, by, of, left_out: leftOut, after_ms: afterMs, not_yet: notYet }: Obeyed): string {
  const seconds = `${Number((afterMs / 1_000).toFixed(1))} s`;
  const unknown = leftOut > 0 ? `; of ${counted(leftOut, "node")} more nobody was asked` : "";
  if (!taken) return `not obeyed after ${seconds}: no leader of the fleet has taken the order${HINT}`;
  if (of === 0) return `obeyed by nobody after ${seconds}: no node has reported${HINT}`;
  if (notYet.length === 0) {
    const all = of === 1 ? "the one node" : `all ${counted(of, "node")}`;
    return `obeyed by ${all}${leftOut > 0 ? " that were looked at" : ""} after ${seconds}${unknown}\n`;
  }
  const names = notYet.slice(0, MOST_NAMES).join(", ");
  const more = notYet.length > MOST_NAMES ? ` and ${notYet.length - MOST_NAMES} more` : "";
  return `obeyed by ${by} of ${counted(of, "node")} after ${seconds}${unknown}; not yet by ${names}${more}${HINT}`;
}

const HINT =
  "\n  signalbox degrade get --fleet tells more; who is cut off obeys when it is back, and not after the order's end\n";
