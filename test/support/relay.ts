import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { resetSocket } from "../../src/core/reset-socket.ts";

/** Passes bytes on, as a load balancer does. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /**
   * So many connections are ended by RST, or by FIN, with the first bytes that come next; those
   * bytes go nowhere.
   */
  resets: number;
  ends: number;
  /** While it is cut what comes goes nowhere, and nothing is said. */
  isCut: boolean;
}

export async function openRelay(to: number): Promise<Relay> {
  const relay = { port: 0, connections: 0, resets: 0, ends: 0, isCut: false };
  const sockets = new Set<net.Socket>();
  const server = net.createServer((from) => {
    relay.connections++;
    const onward = net.connect({ host: "127.0.0.1", port: to });
    for (const socket of [from, onward]) sockets.add(socket.on("error", () => undefined));
    from.on("data", (chunk) => {
      if (relay.isCut) return;
      if (relay.resets > 0) {
        relay.resets--;
        resetSocket(from);
        onward.destroy();
      } else if (relay.ends > 0) {
        relay.ends--;
        from.destroy();
        onward.destroy();
      } else onward.write(chunk);
    });
    from.on("close", () => onward.destroy());
    onward.on("data", (chunk) => {
      if (!relay.isCut) from.write(chunk);
    });
    onward.on("close", () => from.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  relay.port = bound.port;
  return Object.assign(relay, {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  });
}
