import { listOf, type Values } from "../../config/values.ts";
import type { Coordination } from "../../server/coordination.ts";
import type { AdminOptions } from "../admin-client/options.ts";
import { callAdmin } from "../admin-client/client.ts";
import { fieldsOf, shown } from "../admin-client/fields.ts";
import type { Io } from "../command.ts";

export type Diagnosis = Awaited<ReturnType<Coordination["diagnose"]>>;
export type NodeFinding = Diagnosis["findings"][number];

const LOGS = "look at their logs: whether each reaches the store and the others; a network that is cut in two looks so";

/**
 * What the store cannot tell: whether controllers see the same members, and which do not answer. A
 * node asks all of them, and compares the digests of what they see.
 */
export async function topologyFindings(options: AdminOptions, { clock }: Pick<Io, "clock">): Promise<NodeFinding[]> {
  const call = { method: "GET", path: ["topology"], query: { limit: "1" } } as const;
  const answer = await callAdmin(call, options, clock);
  if (answer.kind === "ok") return findingsOf(answer.body, options.url);
  const why = answer.kind === "foreign" ? "what answers is not the admin API" : reasonOf(answer);
  return [warning(`the node at ${options.url} tells nothing of the topology: ${why}`, hintOf(answer))];
}

function findingsOf(body: unknown, url: string): NodeFinding[] {
  const view = fieldsOf(body);
  const regions = listOf(view["regions"]).map(fieldsOf);
  const split = listOf(view["split"]).map(fieldsOf).map(splitFinding);
  const stale = regions.filter((region) => region["stale"] === true).map(({ id }) => shown(id));
  if (stale.length > 0) {
    const hint = "start a node there with the role controller, or look at the log of the one that is there";
    split.push(warning(`no controller tells anything new of ${stale.join(", ")}: what is shown is of the past`, hint));
  }
  if (split.length > 0) return split;
  const message = `controllers that answer ${url} see the same members; regions: ${regions.length}`;
  return [{ check: "views", status: "ok", message }];
}

function splitFinding({ scope, views }: Values): NodeFinding {
  const each = listOf(views)
    .map(fieldsOf)
    .map(({ controllers, digest, only_here: only }) => {
      const alone = listOf(only).length === 0 ? "" : `, alone ${shown(only)}`;
      return `${shown(controllers)} (${shown(digest)}${alone})`;
    });
  return warning(`controllers do not see the same members of ${shown(scope)}: ${each.join("; ")}`, LOGS);
}

type NoAnswer = Exclude<Awaited<ReturnType<typeof callAdmin>>, { kind: "ok" | "foreign" }>;

function reasonOf(answer: NoAnswer): string {
  return answer.kind === "unreachable" ? answer.reason : answer.detail;
}

function hintOf(answer: Exclude<Awaited<ReturnType<typeof callAdmin>>, { kind: "ok" }>): string {
  const hint = answer.kind === "foreign" ? undefined : answer.hint;
  return hint ?? "name the admin listener of a node (node.listen.admin), and give --token where it wants one";
}

function warning(message: string, hint: string): NodeFinding {
  return { check: "views", status: "warning", message, hint };
}
