import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { answerOf, GrpcConnection, prefix } from "./grpc-client.ts";
import { openReceiving } from "./harness.ts";

const MIB = 1_048_576;
const TRACES = SIGNAL_FACTS.traces.grpcPath;
const GZIP = { headers: { "grpc-encoding": "gzip" }, compressed: true };

for (const signal of SIGNALS) {
  test(`${signal}: a message above the limit is RESOURCE_EXHAUSTED without RetryInfo, by its prefix alone`, async () => {
    await using receiving = await openReceiving({ limits: { maxRequestBytes: 1_000 } });
    await using connection = new GrpcConnection(receiving.grpcPort);
    const stream = connection.begin(SIGNAL_FACTS[signal].grpcPath);
    stream.write(prefix(1_001));
    const { status, details, text } = await answerOf(stream);
    assert.equal(status, GRPC.RESOURCE_EXHAUSTED);
    assert.equal(details?.["details"], undefined);
    assert.match(text, /1001 bytes.*1000/u);
    assert.equal(receiving.errors("too_large"), 1);
    assert.equal((await connection.call(TRACES, Buffer.alloc(1_000))).status, GRPC.OK);
  });
}

test("a gzip bomb is RESOURCE_EXHAUSTED without RetryInfo and its bytes are given back", async () => {
  await using receiving = await openReceiving();
  await using connection = new GrpcConnection(receiving.grpcPort);
  const { status, details } = await connection.call(TRACES, gzipSync(Buffer.alloc(80 * MIB)), GZIP);
  assert.equal(status, GRPC.RESOURCE_EXHAUSTED);
  assert.equal(details?.["details"], undefined);
  await receiving.settled();
  assert.equal(receiving.admission.inFlightBytes, 0);
  assert.equal(receiving.carried.length, 0);
});

test("what is too long only when inflated is refused, what is just short enough is taken", async () => {
  await using receiving = await openReceiving({ limits: { maxRequestBytes: 200_000 } });
  await using connection = new GrpcConnection(receiving.grpcPort);
  assert.equal((await connection.call(TRACES, gzipSync(Buffer.alloc(200_000)), GZIP)).status, GRPC.OK);
  assert.equal(receiving.carried[0]?.bytes.length, 200_000);
  assert.equal((await connection.call(TRACES, gzipSync(Buffer.alloc(200_001)), GZIP)).status, GRPC.RESOURCE_EXHAUSTED);
});

test("a budget that others hold is UNAVAILABLE with RetryInfo, before the message is read", async () => {
  await using receiving = await openReceiving({ limits: { maxInFlightBytes: 1_000 }, answer: () => "hold" });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const first = connection.call(TRACES, Buffer.alloc(900));
  const held = await receiving.nextHeld();
  const stream = connection.begin(TRACES);
  stream.write(prefix(200));
  const { status, details } = await answerOf(stream);
  assert.equal(status, GRPC.UNAVAILABLE);
  assert.match(JSON.stringify(details), /RetryInfo/u);
  assert.equal(receiving.errors("memory"), 1);
  held.finish({ ok: true, rejected: 0, message: "" });
  assert.equal((await first).status, GRPC.OK);
});

test("requests beyond the limit are UNAVAILABLE with RetryInfo at their headers", async () => {
  await using receiving = await openReceiving({ limits: { maxConcurrentRequests: 1 } });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const first = connection.begin(TRACES);
  while (receiving.admission.inFlightRequests === 0) await new Promise(setImmediate);
  const { status, details } = await answerOf(connection.begin(TRACES));
  assert.equal(status, GRPC.UNAVAILABLE);
  assert.match(JSON.stringify(details), /RetryInfo/u);
  first.end(Buffer.concat([prefix(0)]));
  assert.equal((await answerOf(first)).status, GRPC.OK);
});

test("after stop every request is told that the node shuts down, and may go elsewhere", async () => {
  await using receiving = await openReceiving();
  await using connection = new GrpcConnection(receiving.grpcPort);
  receiving.admission.stop("the node is shutting down");
  const { status, text, details } = await connection.call(TRACES, Buffer.alloc(0));
  assert.deepEqual([status, text], [GRPC.UNAVAILABLE, "the node is shutting down"]);
  assert.match(JSON.stringify(details), /RetryInfo/u);
  assert.equal(receiving.errors("shutting_down"), 1);
});

test("a message that does not come in time is DEADLINE_EXCEEDED, and what it held is given back", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({
    clock,
    limits: { requestTimeoutMs: 5_000 },
    grpc: { keepaliveTimeMs: 0 },
  });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const stream = connection.begin(TRACES);
  stream.write(Buffer.concat([prefix(1_000), Buffer.alloc(10)]));
  while (receiving.admission.inFlightBytes === 0) await new Promise(setImmediate);
  const answer = answerOf(stream);
  clock.advance(5_200);
  assert.equal((await answer).status, GRPC.DEADLINE_EXCEEDED);
  assert.deepEqual([receiving.admission.inFlightBytes, receiving.admission.inFlightRequests], [0, 0]);
});

test("who waits in vain is told so, and when to come again, before it gives up", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, answer: () => "hold", grpc: { keepaliveTimeMs: 0 } });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const answer = connection.call(TRACES, Buffer.alloc(10), { headers: { "grpc-timeout": "5S" } });
  while (receiving.carried.length === 0) await new Promise(setImmediate);
  clock.advance(4_510);
  const { status, details } = await answer;
  assert.equal(status, GRPC.DEADLINE_EXCEEDED);
  assert.match(JSON.stringify(details), /RetryInfo/u);
});

test("what is announced and does not come holds no room for others", async () => {
  await using receiving = await openReceiving({ limits: { maxInFlightBytes: 4 * MIB } });
  await using slow = new GrpcConnection(receiving.grpcPort);
  await using other = new GrpcConnection(receiving.grpcPort);
  const streams = Array.from({ length: 64 }, () => slow.begin(TRACES));
  for (const stream of streams) stream.write(Buffer.concat([prefix(MIB), Buffer.alloc(10)]));
  while (receiving.admission.inFlightRequests < 64) await new Promise(setImmediate);
  assert.equal((await other.call(TRACES, Buffer.alloc(MIB))).status, GRPC.OK);
});

test("a message that comes slowly is evicted when others are refused, with RetryInfo, and not before", async () => {
  const clock = new ManualClock();
  const limits = { maxConcurrentRequests: 2, requestTimeoutMs: 60_000 };
  await using receiving = await openReceiving({ clock, limits, grpc: { keepaliveTimeMs: 0 } });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const streams = [connection.begin(TRACES), connection.begin(TRACES)];
  const answers = streams.map((stream) => answerOf(stream));
  for (const stream of streams) stream.write(Buffer.concat([prefix(1_000_000), Buffer.alloc(1_000)]));
  while (receiving.admission.inFlightBytes < 32_768) await new Promise(setImmediate);
  clock.advance(5_000);
  assert.equal(receiving.admission.inFlightRequests, 2);
  assert.equal((await connection.call(TRACES, Buffer.alloc(10))).status, GRPC.UNAVAILABLE);
  clock.advance(200);
  for (const { status, details } of await Promise.all(answers)) {
    assert.equal(status, GRPC.UNAVAILABLE);
    assert.match(JSON.stringify(details), /RetryInfo/u);
  }
  assert.equal(receiving.errors("too_slow"), 2);
  assert.equal((await connection.call(TRACES, Buffer.alloc(10))).status, GRPC.OK);
});

test("a health check without a message does not stay for ever", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, grpc: { keepaliveTimeMs: 0 } });
  await using connection = new GrpcConnection(receiving.grpcPort);
  const answer = answerOf(connection.begin("/grpc.health.v1.Health/Check"));
  // The first comes after it; with the second, the client's acknowledgement of the SETTINGS has
  // come, too.
  for (let times = 0; times < 2; times++) {
    assert.equal((await connection.call("/grpc.health.v1.Health/Check", Buffer.alloc(0))).status, GRPC.OK);
  }
  clock.advance(10_200);
  assert.equal((await answer).status, GRPC.DEADLINE_EXCEEDED);
});

test("whatever many senders send against a small budget, the sum stays within it and all is given back", async () => {
  const limits = { maxRequestBytes: 65_536, maxInFlightBytes: 150_000, maxConcurrentRequests: 12 };
  const call = fc.record({ bytes: fc.nat(70_000), gzip: fc.boolean(), reset: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 60 }), async (calls) => {
      await using receiving = await openReceiving({ limits, answer: () => "hold" });
      await using connection = new GrpcConnection(receiving.grpcPort);
      void (async () => {
        for (;;) {
          const held = await receiving.nextHeld();
          setImmediate(() => held.finish({ ok: true, rejected: 0, message: "" }));
        }
      })();
      const statuses = await Promise.all(calls.map((one) => sendOne(connection, one)));
      const allowed = new Set<number | undefined>([undefined, GRPC.OK, GRPC.UNAVAILABLE, GRPC.RESOURCE_EXHAUSTED]);
      for (const status of statuses) assert.ok(allowed.has(status), String(status));
      assert.ok(receiving.peakBytes <= limits.maxInFlightBytes + limits.maxRequestBytes);
      await receiving.settled();
      assert.equal(receiving.admission.inFlightBytes, 0);
    }),
    { numRuns: 10 },
  );
});

async function sendOne(
  connection: GrpcConnection,
  { bytes, gzip, reset }: { bytes: number; gzip: boolean; reset: boolean },
): Promise<number | undefined> {
  const body = gzip ? gzipSync(Buffer.alloc(bytes, 7)) : Buffer.alloc(bytes, 7);
  if (!reset) return (await connection.call(TRACES, body, gzip ? GZIP : {})).status;
  const stream = connection.begin(TRACES);
  stream.write(Buffer.concat([prefix(body.length), body]));
  stream.close(8);
  await new Promise<void>((resolve) => stream.once("close", resolve));
  return undefined;
}
