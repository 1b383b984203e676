import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { test } from "node:test";
import { type ReadAccepted, readAccepted, readInChunks, type TakeBytes } from "./driver-socket.ts";

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
    read(accepted, (bytes) => void accepted.write(new Uint8Array(bytes)));
    peer.write("one ");
    assert.equal(String((await once(peer, "data"))[0]), "one ");
    peer.write("two");
    assert.equal(String((await once(peer, "data"))[0]), "two");
    peer.end();
    await once(accepted, "close");
  });
}

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
