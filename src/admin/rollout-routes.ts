import { z } from "zod";
import { ROLLOUT_REQUESTS, type RolloutRequest } from "../control/rollout/ask-rollout.ts";
import type { FleetRollout } from "../control/rollout/fleet-rollout.ts";
import { refusalOf, rolloutView } from "../control/rollout/rollout-view.ts";
import type { AdminContext } from "./context.ts";
import { smallBody } from "./body.ts";
import { fromStore, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRoute, READ } from "./route.ts";

type RolloutContext = Pick<AdminContext, "facts" | "rollout">;

const AskSchema = z.strictObject({
  by: z.string().min(1).max(256).optional().describe("Who, for people; default: the role of the token."),
});

const PATH = "/api/v1/config/rollout";
const SUMMARIES: Readonly<Record<RolloutRequest, string>> = {
  pause: "The config that is tried stays in its stage; what is worse is rolled back all the same.",
  resume: "The config that is tried goes on.",
  abort: "The config that is tried is tried no more: its nodes go back to what all run.",
};

/** How far a config is that some nodes of the fleet try, and what people may do about it. */
export function rolloutRoutes(context: RolloutContext): AdminRoute[] {
  const { rollout, facts } = context;
  return [
    {
      ...READ,
      path: PATH,
      summary: "The config that some nodes of the fleet try: stage, nodes, windows with their numbers, and the reason.",
      statuses: [503],
      handle: () => fromStore(async (signal) => ({ status: 200, body: rolloutView(await rollout?.read({ signal })) })),
    },
    ...ROLLOUT_REQUESTS.map(
      (request): AdminRoute => ({
        method: "POST",
        path: `${PATH}/${request}`,
        role: "admin",
        summary: SUMMARIES[request],
        statuses: [404, 409, 503],
        ...smallBody("optional", AskSchema, ({ by }, { role }) => {
          return fromStore((signal) => ask(request, rollout, { by: `${by ?? role} via ${facts.id}`, signal }));
        }),
      }),
    ),
  ];
}

async function ask(
  request: RolloutRequest,
  rollout: FleetRollout | undefined,
  asked: Parameters<FleetRollout["ask"]>[1],
): Promise<AdminReply> {
  if (rollout === undefined) return problemReply(404, "the config of this node is its own: nothing is staged");
  const answer = await rollout.ask(request, asked);
  if (answer.kind === "done") return { status: 200, body: rolloutView(answer.candidate) };
  return problemReply(answer.kind === "ended" ? 409 : 404, refusalOf(answer).detail);
}
