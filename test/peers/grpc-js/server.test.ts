import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { compressionAlgorithms } from "@grpc/grpc-js";
import { systemClock } from "../../../src/core/clock.ts";
import { GRPC } from "../../../src/otlp/grpc-code.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesOf, requestOf } from "../../support/items.ts";
import { startTestNode, type TestNode } from "../../support/node.ts";
import { decodeResponse } from "../../support/oracle/oracle.ts";
import { exportResponse } from "../../support/sinks/sink-reply.ts";
import { assertNoFaults, largeSpan, MIB, names, span } from "../items.ts";
import { GrpcJs } from "./client.ts";
import { GrpcJsServer } from "./server.ts";

/**
 * A node that sends one call for each request to the server, and has time: the machine may be slow.
 */
function nodeTo(server: GrpcJsServer, target: Readonly<Record<string, unknown>> = {}): Promise<TestNode> {
  return startTestNode({
    node: { limits: { request_timeout: "60s" } },
    targets: [{ id: "a", endpoint: server.url, timeout: "60s", ...target }],
    default_pool: { targets: ["a"], batch: { max_items: 1 }, retry: { initial: "20ms" } },
  });
}

function arrivedAt({ bodies }: GrpcJsServer): string[] {
  return bodies.flatMap((body) => namesOf("traces", body)).toSorted();
}

/** Sends spans of these names, and waits until all are taken. */
async function sendAll(node: TestNode, sent: readonly string[]): Promise<void> {
  using client = new GrpcJs(node.grpc);
  const ends = await Promise.all(sent.map((name) => client.send(span(name))));
  for (const { code, text } of ends) assert.equal(code, GRPC.OK, text);
}

for (const compression of ["none", "gzip"]) {
  test(`grpc-js server: requests of all sizes arrive, compression ${compression}`, async () => {
    await using server = await GrpcJsServer.open();
    await using node = await nodeTo(server, { compression });
    using client = new GrpcJs(node.grpc);
    const sent = [span("small"), largeSpan(70_000), largeSpan(4 * MIB)];
    for (const message of sent) assert.equal((await client.send(message)).code, GRPC.OK);
    assert.deepEqual(
      server.bodies.map(({ length }) => length),
      sent.map(({ length }) => length),
    );
    await assertNoFaults(node);
  });
}

test("grpc-js server: a reply that it compresses is read", async () => {
  const reply = Buffer.from(exportResponse(1, "too old, ".repeat(100)));
  const channel = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };
  await using server = await GrpcJsServer.open({ channel, handle: (_call, done) => done(null, reply) });
  await using node = await nodeTo(server);
  using client = new GrpcJs(node.grpc);
  const { code, message } = await client.send(span("old"));
  assert.equal(code, GRPC.OK);
  assert.deepEqual(decodeResponse("traces", message!), decodeResponse("traces", reply));
});

/** Takes a request after a while, so that many are under way. */
function slowly(_call: unknown, done: (error: null, reply: Buffer) => void): void {
  systemClock.after(10, () => done(null, Buffer.alloc(0)));
}

const NARROW = [
  { name: "one call at a time", channel: { "grpc.max_concurrent_streams": 1 }, peers: 0 },
  { name: "connections of 100 ms", channel: { "grpc.max_connection_age_ms": 100 }, peers: 2 },
  { name: "keepalive PINGs every 10 ms", channel: { "grpc.keepalive_time_ms": 10 }, peers: 0 },
] as const;
for (const { name, channel, peers } of NARROW) {
  test(`grpc-js server: with ${name} each of 500 requests arrives once`, async () => {
    await using server = await GrpcJsServer.open({ channel, handle: slowly });
    await using node = await nodeTo(server);
    const sent = names(500);
    await sendAll(node, sent);
    assert.deepEqual(arrivedAt(server), sent.toSorted());
    assert.ok(server.peers.size >= peers);
    await assertNoFaults(node);
  });
}

test("grpc-js server: what is above its message size is halved until it is taken, each item once", async () => {
  await using server = await GrpcJsServer.open({ channel: { "grpc.max_receive_message_length": 65_536 } });
  await using node = await startTestNode({
    targets: [{ id: "a", endpoint: server.url }],
    default_pool: { targets: ["a"], retry: { initial: "10ms" } },
  });
  using client = new GrpcJs(node.grpc);
  const sent = names(500);
  const { code, message, text } = await client.send(
    requestOf(
      "traces",
      sent.map((name) => ({ name, attributes: { filling: "x".repeat(1_000) } })),
    ),
  );
  assert.deepEqual([code, message?.length], [GRPC.OK, 0], text);
  assert.deepEqual(arrivedAt(server), sent.toSorted());
  await assertNoFaults(node);
});

test("grpc-js server: it sees our headers, our deadline, and that we give up", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const seen: { tenant: unknown; leftMs: number }[] = [];
  await using server = await GrpcJsServer.open({
    handle: (call) => {
      seen.push({ tenant: call.metadata.get("x-tenant"), leftMs: Number(call.getDeadline()) - Date.now() }); // oxlint-disable-line no-restricted-globals -- grpc-js has only the machine's time
      call.on("cancelled", resolve);
    },
  });
  const target = { id: "a", endpoint: server.url, timeout: "3s", headers: { "x-tenant": "b" } };
  const pool = { targets: ["a"], retry: { max_retries: 0 } };
  await using node = await startTestNode({ targets: [target], default_pool: pool });
  using client = new GrpcJs(node.grpc);
  assert.notEqual((await client.send(span("late"))).code, GRPC.OK);
  await cancelled;
  assert.deepEqual(seen[0]?.tenant, ["b"]);
  assert.ok(seen[0].leftMs > 0 && seen[0].leftMs <= 3_000);
});

test("grpc-js server: when it drains and another takes its port, nothing is lost and nothing comes twice", async () => {
  const first = await GrpcJsServer.open({ handle: slowly });
  await using node = await nodeTo(first);
  const sent = names(300);
  const sending = sendAll(node, sent);
  while (first.bodies.length < 50) await turn();
  await first.drain();
  await using second = await GrpcJsServer.open({ port: first.port });
  await sending;
  assert.deepEqual([...arrivedAt(first), ...arrivedAt(second)].toSorted(), sent.toSorted());
  assert.ok(second.bodies.length > 0);
  await assertNoFaults(node);
});

test("grpc-js server: mutual TLS from us to it; without our certificate nothing arrives", async () => {
  const authority = await createAuthority();
  const [its, ours] = await Promise.all([authority.server(), authority.client()]);
  await using server = await GrpcJsServer.open({ tls: { ...its, ca: authority.ca } });
  const tls = { ca: authority.ca, server_name: "localhost" };
  await using node = await nodeTo(server, { tls: { ...tls, ...ours } });
  await using stranger = await nodeTo(server, { tls, timeout: "500ms" });
  const sent = names(200);
  await sendAll(node, sent);
  using client = new GrpcJs(stranger.grpc);
  assert.notEqual((await client.send(span("stranger"), { deadlineMs: 1_000 })).code, GRPC.OK);
  assert.deepEqual(arrivedAt(server), sent.toSorted());
  await assertNoFaults(node);
});
