import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { answerOf, GrpcConnection, prefix } from "./grpc-client.ts";
import { openReceiving, type Receiving } from "./harness.ts";

const MIB = 1_048_576;
const TRACES = SIGNAL_FACTS.traces.grpcPath;
const LIMITS = { maxRequestBytes: MIB, maxInFlightBytes: 4 * MIB };

test("half-sent bodies of twice the arena: the oldest comes to its end, others are told to come again, and then all is as it was", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ limits: LIMITS, clock });
  const { arena } = receiving.admission;
  await using connection = new GrpcConnection(receiving.grpcPort);
  const oldest = connection.begin(TRACES);
  oldest.write(Buffer.concat([prefix(MIB), Buffer.alloc(1_000)]));
  const first = answerOf(oldest);

  const half = MIB / 2;
  const count = Math.ceil((2 * arena.capacityBytes) / half);
  // One connection each: what it allows its streams is less than all of them send.
  const senders = Array.from({ length: count }, () => new GrpcConnection(receiving.grpcPort));
  const streams = senders.map((sender) => sender.begin(TRACES));
  const answers = streams.map((stream) => answerOf(stream));
  let refused = 0;
  const enough = Promise.withResolvers<void>();
  for (const answer of answers) {
    void answer.then(({ status }) => {
      if (status === GRPC.UNAVAILABLE && ++refused === count - 8) enough.resolve();
      return status;
    });
  }
  for (const stream of streams) stream.write(Buffer.concat([prefix(MIB), Buffer.alloc(half)]));
  await enough.promise;
  assert.ok(arena.usedBytes <= arena.capacityBytes);

  oldest.end(Buffer.alloc(MIB - 1_000));
  assert.equal((await first).status, GRPC.OK);
  assert.equal(receiving.carried[0]?.bytes.length, MIB);

  // Slow while others are refused, or too late; in steps, so that connections stay alive.
  const ended = Promise.all(answers);
  for (let ms = 0; ms < 31_000; ms += 500) {
    clock.advance(500);
    await turn();
  }
  for (const { status } of await ended) assert.ok(status !== GRPC.OK);
  assert.equal((await connection.call(TRACES, Buffer.alloc(MIB))).status, GRPC.OK);
  assert.equal(arena.usedBytes, 0);
  await Promise.all(senders.map((sender) => sender[Symbol.asyncDispose]()));
});

test("many that have only begun leave room for the oldest, and for nobody else", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ limits: LIMITS, clock });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const oldest = connection.begin(TRACES);
  oldest.write(Buffer.concat([prefix(MIB), Buffer.alloc(1_000)]));
  const first = answerOf(oldest);
  await using others = new GrpcConnection(receiving.grpcPort);
  const streams = Array.from({ length: 300 }, () => others.begin(TRACES));
  const refused = Promise.withResolvers<void>();
  for (const stream of streams) {
    const ended = (): void => undefined; // with its connection
    void answerOf(stream).then(({ status }) => {
      if (status === GRPC.UNAVAILABLE) refused.resolve();
      return status;
    }, ended);
    stream.write(Buffer.concat([prefix(MIB), Buffer.alloc(1)]));
  }
  await refused.promise; // the budget is taken
  assert.equal((await connection.call(TRACES, Buffer.alloc(MIB))).status, GRPC.UNAVAILABLE);
  oldest.end(Buffer.alloc(MIB - 1_000));
  assert.equal((await first).status, GRPC.OK);
});

/** Sends the first half of a body of 1 MiB, and no more; gives how it is taken away again. */
type SendHalf = (receiving: Receiving) => Promise<() => unknown>;

const HALVES: Readonly<Record<string, SendHalf>> = {
  async grpc({ grpcPort }) {
    const sender = new GrpcConnection(grpcPort);
    const stream = sender.begin(TRACES);
    void answerOf(stream).catch(() => undefined);
    stream.write(Buffer.concat([prefix(MIB), Buffer.alloc(MIB / 2)]));
    return () => sender[Symbol.asyncDispose]();
  },
  async http({ httpPort }) {
    const socket = connect(httpPort, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    const head = `Host: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${MIB}`;
    socket.write(`POST /v1/traces HTTP/1.1\r\n${head}\r\n\r\n`);
    socket.write(Buffer.alloc(MIB / 2));
    return () => socket.destroy();
  },
};

for (const [kind, send] of Object.entries(HALVES)) {
  test(`half-sent bodies of twice the arena over ${kind}: within two seconds others are served again`, async () => {
    const clock = new ManualClock();
    await using receiving = await openReceiving({ limits: LIMITS, clock });
    const { admission } = receiving;
    const count = Math.ceil((2 * admission.arena.capacityBytes) / (MIB / 2));
    const leave = await Promise.all(Array.from({ length: count }, () => send(receiving)));
    // It may be crowded for a moment only: who is refused then gives its room back.
    while (!admission.crowded && admission.refusedMs < 0) await turn();
    await using connection = new GrpcConnection(receiving.grpcPort);
    let isServed = false;
    let waitedMs = 0;
    for (; waitedMs < 2_000 && !isServed; waitedMs += 100) {
      isServed = (await connection.call(TRACES, Buffer.alloc(MIB))).status === GRPC.OK;
      clock.advance(100);
    }
    assert.ok(isServed, `nobody was served for ${waitedMs} ms`);
    await Promise.all(leave.map((one) => one()));
  });
}

test("a body over HTTP/1.1 that has to wait is not read on before it is its turn, and comes whole then", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ limits: LIMITS, clock });
  const { admission } = receiving;
  await using connection = new GrpcConnection(receiving.grpcPort);
  const oldest = connection.begin(TRACES);
  oldest.write(Buffer.concat([prefix(MIB), Buffer.alloc(1_000)]));
  const first = answerOf(oldest);
  while (admission.inFlightBytes === 0) await turn();
  const fillers = Array.from({ length: 2 }, () => {
    const permit = admission.open({ receivedMs: clock.nowMs() });
    assert.ok(permit.kind === "permit" && permit.grow(1.6 * MIB));
    return permit;
  });
  assert.equal(admission.crowded, true);
  const sent = fetch(`http://127.0.0.1:${receiving.httpPort}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: Buffer.alloc(MIB - 1_000),
  });
  while (admission.pressedMs !== clock.nowMs()) await turn();
  const before = admission.inFlightBytes;
  for (let i = 0; i < 50; i++) await turn();
  assert.ok(admission.inFlightBytes === before && before < 3.6 * MIB, "it is not read on");
  for (const filler of fillers) filler.close();
  assert.equal((await sent).status, 200);
  oldest.end(Buffer.alloc(MIB - 1_000));
  assert.equal((await first).status, GRPC.OK);
});
