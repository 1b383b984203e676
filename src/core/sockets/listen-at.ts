import { once } from "node:events";
import type { Server } from "node:net";
import { RouterError } from "../errors.ts";

interface ListeningAt {
  readonly host: string;
  /** To listen on: 0 is any free one. */
  readonly port: number;
}

/** Where the server listens then. Fails with what the system says. */
export async function listenAt(server: Server, { host, port }: ListeningAt): Promise<ListeningAt> {
  server.listen({ host, port });
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new RouterError("INTERNAL", "a listener has no address");
  return { host: bound.address, port: bound.port };
}
