import { RouterError } from "../core/errors.ts";
import type { AdminContext } from "./context.ts";
import { problemReply } from "./reply.ts";
import type { AdminReply, AdminRoute } from "./route.ts";

/** Who holds which lock, and who leads: as the node's store says now. */
export function seatRoutes({ seats }: AdminContext): AdminRoute[] {
  return [
    read("/api/v1/locks", "Locks in the node's store: who has each, since when, and who waits for it.", (signal) =>
      seats.locks({ signal }),
    ),
    read("/api/v1/leader", "Who leads the fleet, each region, and other elections in the node's store.", (signal) =>
      seats.leaders({ signal }),
    ),
  ];
}

function read(path: string, summary: string, ask: (signal: AbortSignal) => Promise<unknown>): AdminRoute {
  return {
    method: "GET",
    path,
    role: "viewer",
    summary,
    statuses: [503],
    handle: () => answer(ask),
  };
}

/** A call of the store ends at its own deadline. */
async function answer(ask: (signal: AbortSignal) => Promise<unknown>): Promise<AdminReply> {
  try {
    return { status: 200, body: await ask(new AbortController().signal) };
  } catch (cause) {
    if (!(cause instanceof RouterError) || !cause.code.startsWith("STORE_")) throw cause;
    const hint = cause.hint === undefined ? {} : { more: { hint: cause.hint } };
    return problemReply(503, `the coordination store: ${cause.message}`, hint);
  }
}
