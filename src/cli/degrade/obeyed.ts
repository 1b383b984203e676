import { listOf } from "../../config/values.ts";
import { sleep } from "../../core/clock.ts";
import { type AdminCall, callAdmin } from "../admin-client/client.ts";
import { fieldsOf, shown } from "../admin-client/fields.ts";
import type { AdminOptions } from "../admin-client/options.ts";
import type { Io } from "../command.ts";
import { counted } from "../print.ts";

/** Who obeys an order for the fleet, by what nodes have reported. */
export interface Obeyed {
  readonly by: number;
  readonly of: number;
  /** Since the order was written. */
  readonly after_ms: number;
  /** Nodes that do something else, or are silent, or do not say. */
  readonly not_yet: readonly string[];
  /** `GET /api/v1/degradation?fleet=true`, as it was last. */
  readonly body: unknown;
}

/** Between two looks. */
const LOOK_MS = 500;
const CALL: AdminCall = { method: "GET", path: ["degradation"], query: { fleet: "true" } };

/**
 * Looks until all nodes do as was ordered, for at most so long. Undefined: the node that is asked
 * says nothing of its fleet.
 */
export async function waitUntilObeyed(
  isDegraded: boolean,
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
    if (answer.kind === "ok") last = obeyedIn(answer.body, isDegraded, passedMs);
    const isDone = last !== undefined && last.not_yet.length === 0;
    if (isDone || passedMs >= waitMs || stopped.aborted) return last;
    await sleep(clock, Math.min(LOOK_MS, waitMs - passedMs), stopped).catch(() => undefined);
  }
}

/** Undefined: it is of a version that tells nothing of nodes. */
function obeyedIn(body: unknown, isDegraded: boolean, passedMs: number): Obeyed | undefined {
  const view = fieldsOf(body);
  if (!Array.isArray(view["nodes"])) return undefined;
  const nodes = listOf(view["nodes"]).map(fieldsOf);
  const others = nodes.filter((one) => one["stale"] === true || one["fleet_degraded"] !== isDegraded);
  return {
    by: nodes.length - others.length,
    of: nodes.length,
    after_ms: Math.round(passedMs),
    not_yet: others.map(({ id }) => shown(id)),
    body,
  };
}

/** How many names are told. */
const MOST_NAMES = 20;

export function obeyedText({ by, of, after_ms: afterMs, not_yet: notYet }: Obeyed): string {
  const seconds = `${Number((afterMs / 1_000).toFixed(1))} s`;
  if (notYet.length === 0)
    return `obeyed by ${by === 1 ? "the one node" : `all ${counted(by, "node")}`} after ${seconds}\n`;
  const names = notYet.slice(0, MOST_NAMES).join(", ");
  const more = notYet.length > MOST_NAMES ? ` and ${notYet.length - MOST_NAMES} more` : "";
  const hint =
    "signalbox degrade get --fleet tells more; who is cut off obeys when it is back, and not after the order's end";
  return `obeyed by ${by} of ${counted(of, "node")} after ${seconds}; not yet by ${names}${more}\n  ${hint}\n`;
}
