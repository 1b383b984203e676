import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { resetSocket } from "./reset-socket.ts";

/** More than the kernel takes while the other side reads nothing. */
const MUCH = 64 * 1_048_576;

/** A connection to this process; the other side reads nothing yet. */
async function openPair(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  for (const socket of [near, far]) socket.on("error", () => undefined);
  return { near, far, close: () => server.close() };
}

test("reset: the other side is told by RST", async () => {
  const { near, far, close } = await openPair();
  const failed = once(far, "error");
  resetSocket(near);
  far.resume();
  const [error] = (await failed) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
  close();
});

test("reset: a socket that is being shut down is closed too", async () => {
  const { near, far, close } = await openPair();
  near.write(Buffer.alloc(MUCH));
  near.end();
  const closed = once(far, "close");
  resetSocket(near);
  far.resume();
  await closed;
  close();
});

test("reset: so is one whose shutdown has just begun", async () => {
  const { near, far, close } = await openPair();
  const closed = once(far, "close");
  near.end();
  await once(near, "prefinish");
  resetSocket(near);
  far.resume();
  await closed;
  close();
});
