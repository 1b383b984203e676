import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type ReadAccepted, readAccepted, readInChunks, type TakeBytes } from "./read-socket.ts";

const BOTH: Readonly<Record<string, ReadAccepted>> = { "into a buffer": readAccepted, "in chunks": readInChunks };

/** An accepted socket and its peer. */
async function pair(): Promise<{ readonly accepted: Socket; readonly peer: Socket } & AsyncDisposable> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const peer = connect(address.port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  return {
    accepted,
    peer,
    async [Symbol.asyncDispose]() {
      peer.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

for (const [how, read] of Object.entries(BOTH)) {
  test(`an accepted socket that is read ${how} writes and ends like any other`, async () => {
    await using sockets = await pair();
    const { accepted, peer } = sockets;
    const socket = read(accepted, (bytes) => void socket.write(new Uint8Array(bytes)));
    peer.write("one ");
    assert.equal(String((await once(peer, "data"))[0]), "one ");
    peer.write("two");
    assert.equal(String((await once(peer, "data"))[0]), "two");
    peer.end();
    await once(socket, "close");
    if (!accepted.closed) await once(accepted, "close");
  });
}

/** How many connections a server believes to have. */
function countOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

test("a server counts a connection for as long as it is there, and closes with it", async () => {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const peer = connect(port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  const socket = readAccepted(accepted, () => undefined);
  assert.notEqual(socket, accepted);
  await nextTurn();
  assert.equal(await countOf(server), 1);
  socket.destroy();
  await once(accepted, "close");
  assert.equal(await countOf(server), 0);
  await once(peer.resume(), "close");
  server.close();
  await once(server, "close");
});

test("who ends the accepted socket ends the connection", async () => {
  await using sockets = await pair();
  const { accepted, peer } = sockets;
  const socket = readAccepted(accepted, () => undefined);
  accepted.destroy();
  await once(socket, "close");
  await once(peer.resume(), "close");
});

test("much that waits is read at once", async () => {
  await using sockets = await pair();
  const { accepted, peer } = sockets;
  const sent = 1_048_576;
  let [most, all] = [0, 0];
  await new Promise((resolve) => void peer.write(new Uint8Array(sent / 4), resolve));
  const { promise, resolve } = Promise.withResolvers<void>();
  readAccepted(accepted, (bytes) => {
    most = Math.max(most, bytes.length);
    all += bytes.length;
    if (all === sent) resolve();
  });
  peer.write(new Uint8Array((3 * sent) / 4));
  await promise;
  assert.ok(most > 65_536, `at most ${most} bytes came at once`);
});

test("sockets are read into one buffer: otherwise this version of node has it elsewhere, and receiving costs more", async () => {
  await using first = await pair();
  await using second = await pair();
  const buffers = new Set<ArrayBufferLike>();
  for (const { accepted, peer } of [first, second]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const take: TakeBytes = (bytes) => {
      buffers.add(bytes.buffer);
      resolve();
    };
    readAccepted(accepted, take);
    peer.write("x");
    await promise;
  }
  assert.equal(buffers.size, 1);
});

test("what a socket has read already comes first", async () => {
  await using sockets = await pair();
  const { accepted, peer } = sockets;
  peer.write("early ");
  accepted.once("readable", () => undefined); // begins to read
  while (accepted.readableLength < 6) await once(accepted, "readable");
  let text = "";
  readAccepted(accepted, (bytes) => (text += Buffer.from(bytes).toString()));
  peer.end("late");
  await once(accepted, "end");
  assert.equal(text, "early late");
});

test("a socket without a handle stays as it is", () => {
  const bare = new Socket();
  readAccepted(bare, () => undefined);
  assert.equal(bare.listenerCount("data"), 1);
});
