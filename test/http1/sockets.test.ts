import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { seededRandom } from "../../src/core/random.ts";
import type { ListeningServer } from "../../src/core/sockets/listening-server.ts";
import { readAccepted, type ReadAccepted, readInChunks } from "../../src/core/sockets/read-socket.ts";
import type { HttpFault } from "../../src/http1/own/contract.ts";
import { listenHttpReading } from "../../src/http1/own/listen.ts";
import type { HttpReply } from "../../src/http1/port.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { head, refused, whole } from "./rig.ts";

interface Listener extends AsyncDisposable {
  readonly server: ListeningServer;
  readonly clock: ManualClock;
  readonly faults: HttpFault[];
  readonly taken: string[];
}

async function listen(reply: HttpReply, read: ReadAccepted = readAccepted): Promise<Listener> {
  const clock = new ManualClock();
  const faults: HttpFault[] = [];
  const taken: string[] = [];
  const times = { headersTimeoutMs: 10_000, bodyTimeoutMs: 60_000, keepAliveTimeoutMs: 120_000 };
  const server = await listenHttpReading(
    read,
    {
      host: "127.0.0.1",
      port: 0,
      maxConnections: 1_000,
      maxHeaderBytes: 16_384,
      maxConnectionAgeMs: 600_000,
      ...times,
      refuse: refused,
      onFault: (fault) => void faults.push(fault),
      handler(request) {
        let body = "";
        return {
          data: (bytes) => void (body += Buffer.from(bytes).toString("latin1")),
          end() {
            taken.push(body);
            request.reply(reply, "short");
          },
          broken: (refusal) => request.reply(refused(refusal), "unwanted"),
          gone: () => undefined,
        };
      },
    },
    { clock, random: seededRandom(1) },
  );
  return { server, clock, faults, taken, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function open({ server }: Listener): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

const OK: HttpReply = { status: 200, headers: [], body: new Uint8Array(0), isFixed: true };

test("two hundred heads that never come to their end take little memory, and are told so after their time", async () => {
  await using listener = await listen(OK);
  const before = process.memoryUsage().arrayBuffers;
  const sockets = await Promise.all(Array.from({ length: 200 }, () => open(listener)));
  while (listener.server.connections < sockets.length) await turn();
  const texts = sockets.map(async (socket) => String((await once(socket, "data"))[0]));
  const part = head().slice(0, -2);
  for (const byte of [part, "X", "-", "Y"]) {
    for (const socket of sockets) socket.write(byte);
    for (let i = 0; i < 20; i++) await turn();
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 200 * 2_048 + 1_048_576);
  listener.clock.advance(9_999);
  await turn();
  assert.equal(listener.faults.length, 0);
  listener.clock.advance(1);
  for (const text of await Promise.all(texts)) assert.match(text, /^HTTP\/1\.1 504 /u);
  assert.deepEqual(new Set(listener.faults), new Set(["head_timeout"]));
  for (const socket of sockets) socket.destroy();
});

test("who sends and does not read is not read on, and is reset after the time of a body", async () => {
  const sockets: Socket[] = [];
  const read: ReadAccepted = (accepted, take) => {
    const socket = readAccepted(accepted, take);
    sockets.push(socket);
    return socket;
  };
  await using listener = await listen({ status: 200, headers: [], body: Buffer.alloc(65_536) }, read);
  const socket = await open(listener);
  socket.pause();
  const requests = whole("").repeat(32);
  // Until what is written waits, and goes on to wait: both systems have taken what they take.
  for (let waiting = 0; waiting < 1_000; waiting = sockets[0]?.writableNeedDrain === true ? waiting + 1 : 0) {
    if (!socket.writableNeedDrain) socket.write(requests);
    await turn();
  }
  const taken = listener.taken.length;
  assert.ok(taken < 2_000, `${taken} were taken`);
  const closed = new Promise((resolve) => socket.once("close", resolve)); // by a reset
  listener.clock.advance(60_000);
  socket.resume();
  await closed;
  assert.equal(listener.taken.length, taken);
  assert.deepEqual(listener.faults, ["stalled"]);
});

for (const [how, read] of [
  ["into a buffer", readAccepted],
  ["in chunks", readInChunks],
] as const) {
  test(`a connection that is read ${how}: bodies, replies of a turn in one piece, and its end`, async () => {
    await using listener = await listen(OK, read);
    const socket = await open(listener);
    const body = "x".repeat(300_000);
    socket.write(whole(body) + whole("abc") + whole("", ["Connection: close"]));
    let text = "";
    socket.on("data", (bytes) => void (text += String(bytes)));
    await once(socket, "end");
    assert.deepEqual([listener.taken, text.match(/^HTTP\/1\.1 200 OK/gmu)?.length], [[body, "abc", ""], 3]);
    assert.match(text, /^Date: \w{3}, \d\d \w{3} 2025 \d\d:\d\d:\d\d GMT$/mu);
    await once(socket, "close");
    while (listener.server.connections > 0) await turn();
  });

  test(`a connection that is read ${how}: of a thousand requests at once each has its reply`, async () => {
    await using listener = await listen(OK, read);
    const socket = await open(listener);
    const bodies = Array.from({ length: 1_000 }, (_, i) => `body ${i}`);
    socket.write(bodies.map((body, i) => whole(body, i === 999 ? ["Connection: close"] : [])).join(""));
    let text = "";
    socket.on("data", (bytes) => void (text += String(bytes)));
    await once(socket, "end");
    assert.deepEqual([listener.taken, text.match(/^HTTP\/1\.1 200 OK/gmu)?.length], [bodies, 1_000]);
  });
}

test("an idle connection is closed after its time, and costs one timer for all of them", async () => {
  await using listener = await listen(OK);
  const sockets = await Promise.all(Array.from({ length: 10 }, () => open(listener)));
  for (const socket of sockets) {
    socket.write(whole(""));
    await once(socket, "data");
  }
  assert.equal(listener.clock.pending, 1);
  const ended = Promise.all(sockets.map((socket) => once(socket.resume(), "end")));
  for (let i = 0; i < 13; i++) listener.clock.advance(10_000);
  await ended;
  assert.deepEqual(listener.faults, []);
});
