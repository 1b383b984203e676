import { z } from "zod";
import { GLOBAL_ELECTION, isFleetElection } from "../control/coordination/seats.ts";
import { transferText } from "../control/region/transfer-text.ts";
import { smallBody } from "./body.ts";
import type { AdminContext, LeaderTransfer } from "./context.ts";
import { fromStore, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRoute, READ } from "./route.ts";

/** Who holds which lock, and who leads: as the node's store says now. */
export function seatRoutes({ seats, facts }: AdminContext): AdminRoute[] {
  return [
    read("/api/v1/locks", "Locks in the node's store: who has each, since when, and who waits for it.", (signal) =>
      seats.locks({ signal }),
    ),
    read("/api/v1/leader", "Who leads the fleet, each region, and other elections in the node's store.", (signal) =>
      seats.leaders({ signal }),
    ),
    {
      method: "POST",
      path: "/api/v1/leader/transfer",
      role: "operator",
      summary: "Ask whoever leads the fleet or a region to give that to another candidate, and wait for it.",
      statuses: [404, 409, 422, 503],
      ...smallBody("optional", TransferSchema, (asked) => transferTo(asked, seats, facts.id)),
    },
  ];
}

const TransferSchema = z.strictObject({
  scope: z
    .string()
    .refine(isFleetElection, "is global, or region. and the id of a region")
    .default(GLOBAL_ELECTION)
    .describe("Which election: global, or region.<id>."),
  to: z.string().min(1).max(256).optional().describe("The id of a candidate; without it: whoever comes next."),
});

type TransferWish = z.output<typeof TransferSchema>;

function transferTo({ scope: election, to }: TransferWish, seats: LeaderTransfer, node: string): Promise<AdminReply> {
  return fromStore(async (signal) => {
    const outcome = await seats.transfer({ election, to, by: `the admin API of ${node}` }, { signal });
    const { message, hint } = transferText(election, outcome);
    if (outcome.kind === "transferred" || outcome.kind === "leads_already") {
      return { status: 200, body: { scope: election, ...outcome } };
    }
    const isMissing = outcome.kind === "nobody_leads" || outcome.kind === "no_candidate";
    return problemReply(isMissing ? 404 : 409, message, { more: { hint, outcome: outcome.kind } });
  });
}

function read(path: string, summary: string, ask: (signal: AbortSignal) => Promise<unknown>): AdminRoute {
  const handle = (): Promise<AdminReply> => fromStore(async (signal) => ({ status: 200, body: await ask(signal) }));
  return { ...READ, path, summary, statuses: [503], handle };
}
