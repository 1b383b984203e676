import { z } from "zod";
import { formatPath } from "../config/finding.ts";
import { issueText } from "../config/issue-text.ts";
import { duration } from "../config/schema/values.ts";
import type { OperatorWish } from "../plan/data-plane.ts";
import type { AdminContext } from "./context.ts";
import { OPERATOR_BODY } from "./body-specs.ts";
import { parseMapping, type Values } from "./parse-body.ts";
import { problemReply } from "./problem-details.ts";
import { errorAt, problemsReply } from "./problem-list.ts";
import { type AdminBody, type AdminReply, JSON_TYPE, type Route } from "./route.ts";
import { targetView } from "./views.ts";

const WISHES: readonly (readonly [state: OperatorWish["state"], summary: string])[] = [
  ["drain", "Nothing new goes to the target; what is under way ends, and checks go on."],
  ["maintenance", "Nothing new goes to the target, and it is not checked."],
  ["ready", "The target is used again: ends a drain, a maintenance, and an ejection."],
];

/** What operators do with targets. */
export function operatorRoutes(context: AdminContext): Route[] {
  return WISHES.map(([state, summary]) => ({
    method: "POST",
    path: `/api/v1/targets/{id}/${state}`,
    role: "operator",
    summary,
    type: JSON_TYPE,
    statuses: [400, 404, 408, 413, 415, 422, 503],
    body: OPERATOR_BODY,
    handle: ({ params, body }) => operate(params["id"] ?? "", state, body, context),
  }));
}

const WishSchema = z.strictObject({ for: duration(1_000).optional(), note: z.string().max(500).default("") });

async function operate(
  id: string,
  state: OperatorWish["state"],
  body: AdminBody | undefined,
  { operators, dataPlane, env }: AdminContext,
): Promise<AdminReply> {
  const parsed = body === undefined ? ({ ok: true, values: {} } as const) : parseMapping(body);
  if (!parsed.ok) return parsed.reply;
  const wish = parseWish(parsed.values);
  if ("status" in wish) return wish;
  const untilMs = wish.forMs === undefined || state === "ready" ? undefined : env.clock.wallMs() + wish.forMs;
  const isKnown = await operators.operate(id, { state, untilMs, note: wish.note });
  const target = dataPlane.status().targets.find((known) => known.id === id);
  if (!isKnown || target === undefined) return problemReply(404, `there is no target ${id}`);
  return { status: 200, body: targetView(target) };
}

function parseWish(values: Values): { readonly forMs: number | undefined; readonly note: string } | AdminReply {
  const parsed = WishSchema.safeParse(values, { error: issueText });
  if (parsed.success) return { forMs: parsed.data.for, note: parsed.data.note };
  const problems = parsed.error.issues.map((issue) => {
    const path = formatPath(issue.path.map((part) => (typeof part === "symbol" ? String(part) : part)));
    const [message = issue.message, hint] = issue.message.split("\n");
    return errorAt(path, message, hint);
  });
  return problemsReply(422, "the body has problems", problems);
}
