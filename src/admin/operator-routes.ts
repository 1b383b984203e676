import { z } from "zod";
import { duration } from "../config/schema/values.ts";
import type { OperatorOverride } from "../plan/data-plane.ts";
import type { AdminContext } from "./context.ts";
import { smallBody } from "./body.ts";
import { problemReply } from "./reply.ts";
import { type AdminReply, type AdminRoute } from "./route.ts";
import { targetView } from "./views.ts";

const STATES: readonly (readonly [state: OperatorOverride["state"], summary: string])[] = [
  ["drain", "Nothing new goes to the target; what is under way ends, and checks go on."],
  ["maintenance", "Nothing new goes to the target, and it is not checked."],
  ["ready", "The target is used again: ends a drain, a maintenance, and an ejection."],
];

const OverrideSchema = z.strictObject({
  for: duration(1_000).optional().describe("A duration, after which it ends by itself: 10m, or milliseconds."),
  note: z.string().max(500).default("").describe("For people."),
});

/** What operators do with targets. */
export function operatorRoutes(context: AdminContext): AdminRoute[] {
  return STATES.map(([state, summary]) => ({
    method: "POST",
    path: `/api/v1/targets/{id}/${state}`,
    role: "operator",
    summary,
    statuses: [404, 422],
    ...smallBody("optional", OverrideSchema, (asked, { params }) => operate(params["id"] ?? "", state, asked, context)),
  }));
}

async function operate(
  id: string,
  state: OperatorOverride["state"],
  { for: forMs, note }: z.output<typeof OverrideSchema>,
  { operators, dataPlane, env }: AdminContext,
): Promise<AdminReply> {
  const untilMs = forMs === undefined || state === "ready" ? undefined : env.clock.wallMs() + forMs;
  const isKnown = await operators.operate(id, { state, untilMs, note });
  const { targets } = await dataPlane.status();
  const target = targets.find((known) => known.id === id);
  if (!isKnown || target === undefined) return problemReply(404, `there is no target ${id}`);
  return { status: 200, body: targetView(target) };
}
