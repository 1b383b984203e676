import assert from "node:assert/strict";
import { test } from "node:test";
import { compressionAlgorithms } from "@grpc/grpc-js";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { UNARY_TRANSPORTS } from "../../../src/http2/transport.ts";
import { GRPC } from "../../../src/otlp/grpc-code.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesIn } from "../../support/items.ts";
import { startTestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { hung, OK, slow } from "../../support/sinks/sink-script.ts";
import { TEST_TRANSPORT } from "../../support/transport.ts";
import { hold, manualEnv, ok, PATH, serverOptions } from "../../transport/rig.ts";
import { assertNoFaults, largeSpan, MIB, names, span } from "../items.ts";
import { GrpcJs } from "./client.ts";
import { PingRelay } from "./relay.ts";

const GZIP = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };
const ENV = { clock: systemClock, random: seededRandom(1) };

test("grpc-js client: compressed requests are delivered, small and 4 MiB, beside others that are not", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using plain = new GrpcJs(node.grpc);
  using gzip = new GrpcJs(node.grpc, { channel: GZIP });
  const sent = [span("small"), largeSpan(70_000), largeSpan(4 * MIB)];
  for (const message of sent) {
    for (const client of [plain, gzip]) assert.equal((await client.send(message)).code, GRPC.OK);
  }
  const got = sink.requests.map(({ body }) => body.length);
  assert.deepEqual(
    got,
    sent.flatMap(({ length }) => [length, length]),
  );
  await assertNoFaults(node);
});

test("grpc-js client: of 1,000 calls at once each arrives once, however few are let in at a time", async () => {
  for (const max_concurrent_streams of [1, 10, 256]) {
    await using sink = await openGrpcSink();
    const listener = { max_concurrent_streams };
    await using node = await startTestNode({ node: { listen: { otlp_grpc: listener } } }, { sinks: { a: sink } });
    using client = new GrpcJs(node.grpc);
    const sent = names(1_000);
    const ends = await Promise.all(sent.map((name) => client.send(span(name))));
    assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([GRPC.OK]));
    assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
    await assertNoFaults(node);
  }
});

test("grpc-js client: metadata of all kinds comes as it was sent", async () => {
  const { handler, calls } = hold();
  await using server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(serverOptions(handler), ENV);
  using client = new GrpcJs(`127.0.0.1:${server.port}`);
  const headers = { "x-tenant": "a b", "x-empty": "", "x-long": "v".repeat(5_000), authorization: "Bearer secret" };
  for (let times = 0; times < 3; times++) {
    const { end } = client.start(span("one"), { path: PATH, headers });
    const { call } = await calls.next();
    for (const [name, value] of Object.entries(headers)) assert.equal(call.header(name), value);
    call.reply(ok());
    assert.equal((await end).code, GRPC.OK);
  }
});

test("grpc-js client: metadata above our limit fails its call and no other", async () => {
  await using sink = await openGrpcSink({ script: slow(50) });
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using client = new GrpcJs(node.grpc);
  const before = client.send(span("before"));
  const long = await client.send(span("long"), { headers: { "x-long": "v".repeat(20_000) } });
  assert.notEqual(long.code, GRPC.OK);
  for (const { code, text } of await Promise.all([before, client.send(span("after"))]))
    assert.equal(code, GRPC.OK, text);
  await assertNoFaults(node);
});

test("grpc-js client: messages above its own limit are not sent, those above ours are refused, others go on", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({ node: { limits: { max_request_bytes: "1MiB" } } }, { sinks: { a: sink } });
  using careful = new GrpcJs(node.grpc, { channel: { "grpc.max_send_message_length": 1_000 } });
  using client = new GrpcJs(node.grpc);
  assert.equal((await careful.send(largeSpan(2_000))).code, GRPC.RESOURCE_EXHAUSTED);
  assert.equal((await node.ledger()).received, 0);
  const ends = await Promise.all([span("one"), largeSpan(8 * MIB), span("two")].map((message) => client.send(message)));
  assert.deepEqual(
    ends.map(({ code }) => code),
    [GRPC.OK, GRPC.RESOURCE_EXHAUSTED, GRPC.OK],
  );
  assert.deepEqual(namesIn(sink.requests).toSorted(), ["one", "two"]);
  await assertNoFaults(node);
});

test("grpc-js client: deadlines and cancellations end their calls, and leave nothing behind", async () => {
  await using sink = await openGrpcSink({ script: hung });
  await using node = await startTestNode({ targets: [{ id: "a", timeout: "500ms" }] }, { sinks: { a: sink } });
  using client = new GrpcJs(node.grpc);
  const late = names(20).map((name) => client.send(span(name), { deadlineMs: 200 }));
  const given = names(20).map((name) => client.start(span(name)));
  await sink.until(({ requests }) => requests > 0);
  for (const { call } of given) call.cancel();
  assert.deepEqual(new Set((await Promise.all(late)).map(({ code }) => code)), new Set([GRPC.DEADLINE_EXCEEDED]));
  const cancelled = await Promise.all(given.map(({ end }) => end));
  assert.deepEqual(new Set(cancelled.map(({ code }) => code)), new Set([GRPC.CANCELLED]));
  await assertNoFaults(node);
});

test("grpc-js client: keepalive PINGs are answered, many of them, with and without calls", async () => {
  const { handler, calls } = hold();
  await using server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(serverOptions(handler), ENV);
  await using relay = await PingRelay.to(server.port);
  const channel = {
    "grpc.keepalive_time_ms": 5,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.keepalive_permit_without_calls": 1,
  };
  using client = new GrpcJs(`127.0.0.1:${relay.port}`, { channel });
  const { end } = client.start(span("one"), { path: PATH });
  const { call } = await calls.next();
  await relay.answered(50);
  call.reply(ok());
  assert.equal((await end).code, GRPC.OK);
  await relay.answered(100);
  const again = client.send(span("two"), { path: PATH });
  (await calls.next()).call.reply(ok());
  assert.equal((await again).code, GRPC.OK);
  assert.equal(relay.connections, 1);
});

test("grpc-js client: our keepalive PINGs are answered by it, and its connection stays", async () => {
  const env = manualEnv();
  const { handler, calls } = hold();
  const keepalive = { keepaliveTimeMs: 60_000, keepaliveTimeoutMs: 60_000 };
  await using server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(serverOptions(handler, keepalive), env);
  await using relay = await PingRelay.to(server.port);
  using client = new GrpcJs(`127.0.0.1:${relay.port}`);
  for (let pings = 1; pings <= 5; pings++) {
    const { end } = client.start(span("one"), { path: PATH });
    const { call } = await calls.next(); // the server has read all that came before
    env.clock.advance(60_000); // it was heard of until this minute, but not in the next
    env.clock.advance(60_000);
    await relay.answered(pings);
    call.reply(ok());
    assert.equal((await end).code, GRPC.OK);
  }
  assert.deepEqual([relay.connections, relay.pings, relay.answers], [1, 5, 5]);
});

test("grpc-js client: calls under way are answered while we stop; it finds the node that is started again", async () => {
  const stopping = Promise.withResolvers<void>();
  await using sink = await openGrpcSink({ script: () => ({ kind: "held", until: stopping.promise, next: OK }) });
  const first = await startTestNode({}, { sinks: { a: sink } });
  const address = first.grpc;
  using client = new GrpcJs(address, { channel: { "grpc.initial_reconnect_backoff_ms": 100 } });
  const sent = names(50);
  const calls = sent.map((name) => client.send(span(name)));
  while ((await first.inFlight()).requests < 50) await new Promise(setImmediate);
  const stopped = first[Symbol.asyncDispose]();
  stopping.resolve();
  await stopped;
  for (const { code, text } of await Promise.all(calls)) assert.equal(code, GRPC.OK, text);
  assert.equal((await client.send(span("nobody"))).code, GRPC.UNAVAILABLE);
  const patient = client.send(span("patient"), { waitForReady: true });
  await using node = await startTestNode({ node: { listen: { otlp_grpc: { address } } } }, { sinks: { a: sink } });
  assert.equal((await patient).code, GRPC.OK);
  assert.deepEqual(namesIn(sink.requests).toSorted(), [...sent, "patient"].toSorted());
  await assertNoFaults(node);
});

test("grpc-js client: TLS with a client certificate is served, without one it is not", async () => {
  const authority = await createAuthority();
  const [server, mine] = await Promise.all([authority.server(), authority.client()]);
  await using sink = await openGrpcSink();
  const tls = { ...server, client_ca: authority.ca };
  await using node = await startTestNode({ node: { listen: { otlp_grpc: { tls } } } }, { sinks: { a: sink } });
  using client = new GrpcJs(node.grpc, { tls: { ca: authority.ca, ...mine }, channel: GZIP });
  using stranger = new GrpcJs(node.grpc, { tls: { ca: authority.ca } });
  const sent = names(200);
  const ends = await Promise.all(sent.map((name) => client.send(span(name))));
  assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([GRPC.OK]));
  assert.equal((await stranger.send(span("stranger"))).code, GRPC.UNAVAILABLE);
  assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
  await assertNoFaults(node);
});
