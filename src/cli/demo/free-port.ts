import { once } from "node:events";
import { createServer } from "node:net";

/** `port` when it is free on this host, else 0, which stands for any free one. */
export async function freePort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch {
    return 0;
  }
  server.close();
  await once(server, "close");
  return port;
}
