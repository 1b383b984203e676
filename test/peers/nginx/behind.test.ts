import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { GRPC } from "../../../src/otlp/grpc-code.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesIn, requestOf } from "../../support/items.ts";
import { startTestNode, type TestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { answerOk, slow } from "../../support/sinks/sink-script.ts";
import type { Sink } from "../../support/sinks/sink.ts";
import { GrpcJs } from "../grpc-js/client.ts";
import { assertNoFaults, largeSpan, MIB, names, span } from "../items.ts";
import { needs } from "../needs.ts";
import { type HttpConfig, type Nginx, startNginx } from "./nginx.ts";

const NGINX = needs("nginx");

/** nginx stands before the sink, and logs the connections that it gets. */
function before(sink: Sink, more = ""): HttpConfig {
  return (port) => `
  log_format connection "$connection";
  upstream sink { server 127.0.0.1:${sink.port}; keepalive 16; }
  server {
    listen 127.0.0.1:${port} http2;
    access_log connections connection;
    ${more}
    location / { grpc_pass grpc://sink; }
  }`;
}

/** A node that sends everything to nginx, one call for each request. */
function nodeTo(nginx: Nginx, target: Readonly<Record<string, unknown>> = {}): Promise<TestNode> {
  return startTestNode({
    targets: [{ id: "a", endpoint: `http://${nginx.address}`, ...target }],
    default_pool: { targets: ["a"], batch: { max_items: 1 }, retry: { initial: "20ms" } },
  });
}

/** Resolves when a call of the node to its target has failed and is to be tried again. */
async function hasFailed(node: TestNode): Promise<void> {
  while ((await node.metric("poolRetries")) === 0) await turn();
}

test("nginx: requests that we send to it arrive behind it, small and 4 MiB", NGINX, async () => {
  await using sink = await openGrpcSink();
  await using nginx = await startNginx(before(sink));
  await using node = await nodeTo(nginx);
  using client = new GrpcJs(node.grpc);
  const sent = [span("small"), largeSpan(70_000), largeSpan(4 * MIB)];
  for (const message of sent) assert.equal((await client.send(message)).code, GRPC.OK);
  const got = sink.requests.map(({ body }) => Buffer.from(body).toString("base64"));
  assert.deepEqual(
    got,
    sent.map((message) => Buffer.from(message).toString("base64")),
  );
  await assertNoFaults(node);
});

const NARROW = [
  { name: "in parallel", more: "" },
  { name: "one at a time on a connection", more: "http2_max_concurrent_streams 1;" },
  { name: "when it ends each connection after 10 of them", more: "keepalive_requests 10;" },
] as const;
for (const { name, more } of NARROW) {
  test(`nginx: of 1,000 requests that we send to it each arrives once, ${name}`, NGINX, async () => {
    await using sink = await openGrpcSink();
    await using nginx = await startNginx(before(sink, more));
    await using node = await nodeTo(nginx, { limits: { max_in_flight: 200 } });
    using client = new GrpcJs(node.grpc);
    const sent = names(1_000);
    const ends = await Promise.all(sent.map((one) => client.send(span(one))));
    assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([GRPC.OK]));
    assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
    assert.equal((await node.ledger()).delivered, 1_000);
    await assertNoFaults(node);
  });
}

test("nginx: we keep our connection to it, and use it again", NGINX, async () => {
  await using sink = await openGrpcSink();
  await using nginx = await startNginx(before(sink));
  await using node = await nodeTo(nginx);
  using client = new GrpcJs(node.grpc);
  for (const name of names(50)) assert.equal((await client.send(span(name))).code, GRPC.OK);
  await nginx.stop(); // writes what it has to log
  assert.equal(nginx.lines("connections").length, 50);
  assert.equal(new Set(nginx.lines("connections")).size, 1);
});

test("nginx: with mutual TLS from us to it, requests arrive; without our certificate none does", NGINX, async () => {
  const authority = await createAuthority();
  const [its, ours] = await Promise.all([authority.server(), authority.client()]);
  await using sink = await openGrpcSink();
  await using nginx = await startNginx(
    (port, folder) => `
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${folder.write("cert.pem", its.cert)};
    ssl_certificate_key ${folder.write("key.pem", its.key)};
    ssl_client_certificate ${folder.write("ca.pem", authority.ca)};
    ssl_verify_client on;
    location / { grpc_pass grpc://127.0.0.1:${sink.port}; }
  }`,
  );
  const endpoint = `https://${nginx.address}`;
  const tls = { ca: authority.ca, server_name: "localhost" };
  await using node = await nodeTo(nginx, { endpoint, tls: { ...tls, ...ours } });
  await using stranger = await nodeTo(nginx, { endpoint, tls });
  using client = new GrpcJs(node.grpc);
  using other = new GrpcJs(stranger.grpc);
  for (const message of [span("small"), largeSpan(4 * MIB)]) assert.equal((await client.send(message)).code, GRPC.OK);
  assert.notEqual((await other.send(span("stranger"))).code, GRPC.OK);
  assert.equal(sink.counts().requests, 2);
  await assertNoFaults(node);
});

test("nginx: a reload of it in the middle of requests loses none, and sends none twice", NGINX, async () => {
  await using sink = await openGrpcSink({ script: slow(200) });
  await using nginx = await startNginx(before(sink));
  await using node = await nodeTo(nginx);
  using client = new GrpcJs(node.grpc);
  const first = names(50, "before").map((name) => client.send(span(name)));
  await sink.until(({ requests }) => requests >= 1);
  await nginx.reload();
  sink.script = answerOk;
  const second = names(50, "after").map((name) => client.send(span(name)));
  for (const { code, text } of await Promise.all([...first, ...second])) assert.equal(code, GRPC.OK, text);
  await nginx.oldWorkersGone();
  const sent = [...names(50, "before"), ...names(50, "after")];
  assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
  await assertNoFaults(node);
});

test("nginx: what waits while it is away is delivered when it is back, once", NGINX, async () => {
  await using sink = await openGrpcSink();
  const first = await startNginx(before(sink));
  await using node = await nodeTo(first);
  using client = new GrpcJs(node.grpc);
  assert.equal((await client.send(span("before"))).code, GRPC.OK);
  await first[Symbol.asyncDispose]();
  const waiting = names(20, "waiting").map((name) => client.send(span(name)));
  await hasFailed(node);
  await using second = await startNginx(before(sink), first.port);
  for (const { code, text } of await Promise.all(waiting)) assert.equal(code, GRPC.OK, text);
  assert.equal(second.port, first.port);
  assert.deepEqual(namesIn(sink.requests).toSorted(), ["before", ...names(20, "waiting")].toSorted());
});

test("nginx: its 502, when what is behind it is away, is tried again until it is back", NGINX, async () => {
  await using sink = await openGrpcSink();
  await using nginx = await startNginx(before(sink));
  await using node = await nodeTo(nginx);
  using client = new GrpcJs(node.grpc);
  await sink.kill();
  const sent = client.send(span("patient"));
  await hasFailed(node);
  await sink.start();
  assert.equal((await sent).code, GRPC.OK);
  assert.deepEqual(namesIn(sink.requests), ["patient"]);
});

test("nginx: its 413 halves a batch until it is let through, each item once", NGINX, async () => {
  await using sink = await openGrpcSink();
  await using nginx = await startNginx(before(sink, "client_max_body_size 64k;"));
  await using node = await startTestNode({ targets: [{ id: "a", endpoint: `http://${nginx.address}` }] });
  using client = new GrpcJs(node.grpc);
  const sent = names(300);
  const { code, message, text } = await client.send(
    requestOf(
      "traces",
      sent.map((name) => ({ name, attributes: { filling: "x".repeat(1_000) } })),
    ),
  );
  assert.deepEqual([code, message?.length], [GRPC.OK, 0], text);
  assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
  assert.ok(sink.requests.every(({ wireBytes }) => wireBytes <= 65_536));
  await assertNoFaults(node);
});
