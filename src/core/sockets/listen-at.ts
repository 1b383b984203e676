import { once } from "node:events";
import type { Server } from "node:net";
import { RouterError } from "../errors.ts";

export interface ListeningAt {
  readonly host: string;
  /** To listen on: 0 is any free one. */
  readonly port: number;
}

/**
 * Where the server listens then, which no later error of it ends: out of file descriptors, those
 * who wait in the backlog are accepted later. Fails with what the system says.
 */
export async function listenAt(server: Server, { host, port }: ListeningAt): Promise<ListeningAt> {
  server.listen({ host, port });
  await once(server, "listening");
  server.on("error", () => undefined);
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new RouterError("INTERNAL", "a listener has no address");
  return { host: bound.address, port: bound.port };
}
