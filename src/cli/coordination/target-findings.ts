import { listOf } from "../../config/values.ts";
import { CIRCLE_MESSAGE } from "../../plan/hops.ts";
import type { AdminOptions } from "../admin-client/options.ts";
import { callAdmin } from "../admin-client/client.ts";
import { ageText, fieldsOf, shown } from "../admin-client/fields.ts";
import type { Io } from "../command.ts";
import type { NodeFinding } from "./topology-findings.ts";

/** A target whose endpoint nobody dials: it stands for nodes of the fleet. */
const OF_MEMBERS = /^https?:\/\/collectors\.invalid$/u;

/**
 * What one node tells of its targets by `collectors` and `dns`: who finds nobody, and what has gone
 * in a circle lately. None where it does not answer, as is told elsewhere.
 */
export async function targetFindings(options: AdminOptions, { clock }: Pick<Io, "clock">): Promise<NodeFinding[]> {
  const targets = await callAdmin({ method: "GET", path: ["targets"] }, options, clock);
  if (targets.kind !== "ok") return [];
  const query = { kind: "config" };
  const events = await callAdmin({ method: "GET", path: ["events"], query }, options, clock);
  const nowMs = clock.wallMs();
  const found = listOf(targets.body)
    .map(fieldsOf)
    .flatMap((target) => missing(target, nowMs));
  if (events.kind === "ok") found.push(...circles(events.body, nowMs));
  if (found.length > 0) return found;
  return [
    {
      check: "targets",
      status: "ok",
      message: `all that ${options.url} looks for is found, and nothing goes in a circle`,
    },
  ];
}

function missing(target: ReturnType<typeof fieldsOf>, nowMs: number): NodeFinding[] {
  const { id, endpoint, reason, state, since, addresses } = target;
  const isNamed = String(id).startsWith("dns:");
  if (OF_MEMBERS.test(String(endpoint)) ? reason !== "no_members" : !isNamed || state === "ready") return [];
  if (isNamed && listOf(addresses).length > 0) return [];
  const hint = isNamed
    ? "look at the name, and at what the machine of the node asks for names"
    : "see TAGS and REGION of signalbox topology: let nodes have these tags and this listener, or select others";
  const message = `target ${shown(id)} finds nobody (${shown(reason)}), for ${ageText(since, nowMs)}`;
  return [{ check: "targets", status: "warning", message, hint }];
}

/** The newest of each, of those that the node still remembers. */
function circles(body: unknown, nowMs: number): NodeFinding[] {
  const told = listOf(fieldsOf(body)["events"])
    .map(fieldsOf)
    .filter(({ msg }) => msg === CIRCLE_MESSAGE);
  const newest = new Map(told.map((event) => [shown(event["circle"]), event]));
  return [...newest].map(([circle, event]) => ({
    check: "targets",
    status: "warning",
    message: `requests go in a circle: ${circle} (told ${ageText(event["time"], nowMs)} ago)`,
    hint: shown(event["hint"]),
  }));
}
