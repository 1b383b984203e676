import { listOf, type Values } from "../../config/values.ts";
import { CIRCLE_MESSAGE } from "../../plan/hops.ts";
import { LEFT_OUT_MESSAGE } from "../../plan/members.ts";
import type { AdminOptions } from "../admin-client/options.ts";
import { callAdmin } from "../admin-client/client.ts";
import { ageText, fieldsOf, shown } from "../admin-client/fields.ts";
import type { Io } from "../command.ts";
import type { NodeFinding } from "./topology-findings.ts";

/** A target whose endpoint nobody dials: it stands for nodes of the fleet. */
const OF_MEMBERS = /^https?:\/\/collectors\.invalid$/u;

/**
 * What one node tells of its targets by `collectors` and `dns`: who finds nobody, who was found and
 * cannot be sent to, and what has gone in a circle lately. None where it does not answer, as is
 * told elsewhere.
 */
export async function targetFindings(options: AdminOptions, { clock }: Pick<Io, "clock">): Promise<NodeFinding[]> {
  const targets = await callAdmin({ method: "GET", path: ["targets"] }, options, clock);
  if (targets.kind !== "ok") return [];
  const query = { kind: "config,member" };
  const events = await callAdmin({ method: "GET", path: ["events"], query }, options, clock);
  const nowMs = clock.wallMs();
  const found = listOf(targets.body)
    .map(fieldsOf)
    .flatMap((target) => missing(target, nowMs));
  if (events.kind === "ok") {
    const told = listOf(fieldsOf(events.body)["events"]).map(fieldsOf);
    found.push(...circles(told, nowMs), ...leftOut(told));
  }
  if (found.length > 0) return found;
  return [
    {
      check: "targets",
      status: "ok",
      message: `all that ${options.url} looks for is found, and nothing goes in a circle`,
    },
  ];
}

function missing(target: Values, nowMs: number): NodeFinding[] {
  const { id, endpoint, reason, state, since, addresses } = target;
  const isNamed = String(id).startsWith("dns:");
  if (OF_MEMBERS.test(String(endpoint)) ? reason !== "no_members" : !isNamed || state === "ready") return [];
  if (isNamed && listOf(addresses).length > 0) return [];
  const hint = isNamed
    ? "look at the name, and at what the machine of the node asks for names"
    : "see TAGS and REGION of signalbox topology: let nodes have these tags and this listener, or select others";
  const message = `target ${shown(id)} finds nobody (${shown(reason)}), for ${ageText(since, nowMs)}`;
  return [warning(message, hint)];
}

/** The newest of each, of those that the node still remembers. */
function circles(told: readonly Values[], nowMs: number): NodeFinding[] {
  const events = told.filter(({ msg }) => msg === CIRCLE_MESSAGE);
  const newest = new Map(events.map((event) => [shown(event["circle"]), event]));
  return [...newest].map(([circle, event]) =>
    warning(`requests go in a circle: ${circle} (told ${ageText(event["time"], nowMs)} ago)`, shown(event["hint"])),
  );
}

/** As above: who listens where this node cannot reach it, at a loopback address perhaps. */
function leftOut(told: readonly Values[]): NodeFinding[] {
  const events = told.filter(({ msg }) => msg === LEFT_OUT_MESSAGE);
  const newest = new Map(events.map((event) => [shown(event["member"]), event]));
  return [...newest].map(([member, { address, reason, hint }]) =>
    warning(`${member} at ${shown(address)} is not sent to: ${shown(reason)}`, shown(hint)),
  );
}

function warning(message: string, hint: string): NodeFinding {
  return { check: "targets", status: "warning", message, hint };
}
