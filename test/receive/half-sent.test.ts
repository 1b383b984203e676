import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { answerOf, GrpcConnection, prefix } from "./grpc-client.ts";
import { openReceiving } from "./harness.ts";

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

  clock.advance(60_000); // they came slowly, while others were refused
  for (const { status } of await Promise.all(answers)) assert.ok(status !== GRPC.OK);
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
