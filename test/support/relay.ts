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
   * So many connections are ended by RST, or by FIN, with the first bytes of a request, or of the
   * connection, that come next; those bytes go nowhere.
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
      if (!beginsSomething(chunk)) {
        onward.write(chunk);
      } else if (relay.resets > 0) {
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

const FRAME_HEAD_BYTES = 9;
const [DATA, HEADERS] = [0, 1] as const;
const [P, R] = [0x50, 0x52] as const;

/**
 * False for what HTTP/2 has only to acknowledge, or to open windows, which may come at any time:
 * all is frames whose type is neither DATA nor HEADERS.
 */
function beginsSomething(chunk: Buffer): boolean {
  if (chunk[0] === P && (chunk[1] === R || chunk.subarray(0, 5).toString("latin1") === "POST ")) return true;
  for (let at = 0; at + FRAME_HEAD_BYTES <= chunk.length; at += FRAME_HEAD_BYTES + chunk.readUIntBE(at, 3)) {
    const type = chunk[at + 3];
    if (type === DATA || type === HEADERS) return true;
  }
  return false;
}
