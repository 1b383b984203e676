import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { BytesOwner } from "../../src/core/arena/extent.ts";
import { POISON } from "../../src/core/arena/watch.ts";
import { ACK, type Frame, FRAME, frame, nextOfType, PREFACE, readFrames } from "./frames.ts";
import { clientOptions, type Guarantees, type Happenings, manualEnv, request, type UnaryTransport } from "./rig.ts";

const DATA = 0;
/** More than any kernel takes of a connection that nobody reads. */
const MESSAGE_BYTES = 12_582_912;
const VALUE = 7;

/** What the parcel of a message is to it: used for something else as soon as nobody needs it. */
class Memory implements BytesOwner {
  readonly bytes = Buffer.alloc(MESSAGE_BYTES, VALUE);
  uses = 1;

  retain(): void {
    assert.ok(this.uses > 0, "retained after its end");
    this.uses++;
  }

  release(): void {
    assert.ok(this.uses > 0, "released after its end");
    if (--this.uses === 0) this.bytes.fill(POISON);
  }
}

/** A peer that allows everything and reads nothing before it is told to. */
async function unreadPeer() {
  const server = net.createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection") as Promise<[net.Socket]>;
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { port: address.port, connected, [Symbol.asyncDispose]: async () => void server.close() };
}

const HELLO = Buffer.concat([
  frame(FRAME.SETTINGS, 0, Buffer.from("00047fffffff", "hex")),
  frame(FRAME.SETTINGS, ACK),
  frame(8, 0, Buffer.from("7fff0000", "hex")),
]);

/**
 * A call whose message is far from written when its time is up; `answers`: the peer is there until
 * then, though it does not read.
 */
async function endUnwritten(transport: UnaryTransport, answers: boolean) {
  const env = manualEnv();
  const memory = new Memory();
  const peer = await unreadPeer();
  const client = transport.connect(clientOptions(peer.port), env);
  const ended = new Promise<string>((resolve) => {
    const asked = request([memory.bytes], { owner: memory, timeoutMs: 5_000 });
    client.unary(asked, (result) => {
      memory.release(); // as what is settled does
      resolve(result.kind === "failed" ? result.reason : result.kind);
    });
  });
  const [socket] = await peer.connected;
  const frames = readFrames(socket, PREFACE.length);
  socket.resume().write(HELLO);
  await nextOfType(frames, DATA);
  socket.pause();
  if (answers) socket.write(frame(FRAME.PING, 0, new Uint8Array(8)));
  for (let i = 0; i < 200; i++) await turn();
  env.clock.advance(5_000);
  assert.equal(await ended, "timeout");
  return { env, memory, peer, client, socket, frames };
}

/**
 * Reads on, and gives the bytes of the message that came until the stream was reset or the
 * connection ended.
 */
async function readOn(socket: net.Socket, frames: Happenings<Frame>): Promise<Buffer> {
  const closed = new Promise((resolve) => void socket.once("close", resolve)); // maybe reset
  socket.resume();
  await Promise.race([nextOfType(frames, FRAME.RST_STREAM), closed]);
  return Buffer.concat(frames.all.filter(({ type }) => type === DATA).map(({ payload }) => payload)).subarray(5);
}

export const OWNERS: Guarantees = {
  "of a call that ended before it was written, what still goes out is what it was": async (transport) => {
    const { env, memory, peer, client, socket, frames } = await endUnwritten(transport, true);
    const all = await readOn(socket, frames);
    assert.ok(
      all.every((byte) => byte === VALUE),
      "the message was overwritten while it was sent",
    );
    env.clock.advance(1_000);
    for (let i = 0; i < 1_000 && memory.uses > 0; i++) await turn();
    assert.equal(memory.uses, 0, "in the end nobody keeps it");
    socket.destroy();
    await client[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  },
  "with its connection a call's bytes are free": async (transport) => {
    const { memory, peer, client, socket } = await endUnwritten(transport, true);
    socket.destroy();
    for (let i = 0; i < 1_000 && memory.uses > 0; i++) await turn();
    assert.equal(memory.uses, 0);
    await client[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  },
  "a peer that was silent until a call timed out gets nothing else either": async (transport) => {
    const { memory, peer, client, socket, frames } = await endUnwritten(transport, false);
    const all = await readOn(socket, frames);
    assert.ok(all.every((byte) => byte === VALUE));
    await client[Symbol.asyncDispose]();
    assert.equal(memory.uses, 0);
    await peer[Symbol.asyncDispose]();
  },
};
