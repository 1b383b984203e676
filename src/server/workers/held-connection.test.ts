import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { holdConnection } from "./held-connection.ts";

/** A connection whose peer has sent a text and ended; as a process has it that it was sent to. */
async function arrived(text: string): Promise<{ socket: Socket; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const peer = connect(address.port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  server.close();
  peer.end(text);
  return { socket, peer };
}

test("nothing of a connection is read while it is held, and all of it afterwards", async () => {
  const { socket, peer } = await arrived("hello");
  const held = holdConnection(socket);
  assert.ok(held !== undefined);
  await once(peer, "finish");
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.equal(socket.bytesRead, 0);
  const opened = held.open();
  assert.equal((await buffer(opened)).toString(), "hello");
  peer.destroy();
});

test("a held connection that is dropped is closed, and one that is gone cannot be held", async () => {
  const { socket, peer } = await arrived("hello");
  holdConnection(socket)?.drop();
  peer.on("error", () => undefined);
  await once(peer, "close");
  assert.equal(holdConnection(socket), undefined);
});
