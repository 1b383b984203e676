import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { ListeningServer } from "../../../src/core/sockets/listening-server.ts";
import type { UnaryHandler } from "../../../src/http2/port.ts";
import { UNARY_TRANSPORTS } from "../../../src/http2/transport.ts";
import { GRPC } from "../../../src/otlp/grpc-code.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesIn } from "../../support/items.ts";
import { startTestNode } from "../../support/node.ts";
import { decodeStatus } from "../../support/oracle/oracle.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { refusing } from "../../support/sinks/sink-script.ts";
import { TEST_TRANSPORT } from "../../support/transport.ts";
import { exchange, type HeldCall, hold, ok, serverOptions } from "../../transport/rig.ts";
import { GrpcJs } from "../grpc-js/client.ts";
import { assertNoFaults, largeSpan, MIB, names, span } from "../items.ts";
import { needs } from "../needs.ts";
import { type HttpConfig, startNginx } from "./nginx.ts";

const NGINX = needs("nginx");

/** nginx takes gRPC and passes it on to the address, on connections that stay open. */
function passing(address: string, more = ""): HttpConfig {
  return (port) => `
  upstream node { server ${address}; keepalive 16; }
  server {
    listen 127.0.0.1:${port} http2;
    ${more}
    location / { grpc_pass grpc://node; }
  }`;
}

test("nginx: gRPC that it passes to us arrives, small and 4 MiB", NGINX, async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  await using nginx = await startNginx(passing(node.grpc));
  using client = new GrpcJs(nginx.address);
  const sent = [span("small"), largeSpan(70_000), largeSpan(4 * MIB), new Uint8Array(0)];
  for (const message of sent) {
    const end = await client.send(message);
    assert.deepEqual([end.code, end.message?.length], [GRPC.OK, 0], end.text);
  }
  const got = sink.requests.map(({ body }) => body);
  assert.deepEqual(got.map(hex), sent.slice(0, 3).map(hex));
  await assertNoFaults(node);
});

test("nginx: of 1,000 requests that it passes to us in parallel each arrives once", NGINX, async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  await using nginx = await startNginx(passing(node.grpc));
  using client = new GrpcJs(nginx.address);
  const sent = names(1_000);
  const ends = await Promise.all(sent.map((name) => client.send(span(name))));
  assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([GRPC.OK]));
  assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
  await assertNoFaults(node);
});

test("nginx: it keeps a connection to us, and uses it again", NGINX, async () => {
  const peers = new Set<string>();
  await using server = await listen(peers);
  await using nginx = await startNginx(passing(`127.0.0.1:${server.port}`));
  using client = new GrpcJs(nginx.address);
  for (const name of names(50)) assert.equal((await client.send(span(name))).code, GRPC.OK);
  assert.equal(peers.size, 1);
});

// node:http2 says only once that it goes, and nginx answers 502 to what it had just sent on such a
// connection.
if (TEST_TRANSPORT === "own")
  test("nginx: it loses no request when our connections get old", NGINX, async () => {
    const peers = new Set<string>();
    await using server = await listen(peers, 20);
    await using nginx = await startNginx(passing(`127.0.0.1:${server.port}`));
    using client = new GrpcJs(nginx.address);
    while (peers.size < 20) {
      const ends = await Promise.all(names(3).map((name) => client.send(span(name))));
      for (const { code, text } of ends) assert.equal(code, GRPC.OK, text);
    }
  });

test("nginx: with TLS to it and mutual TLS from it to us, requests arrive", NGINX, async () => {
  const authority = await createAuthority();
  const [ours, its, asClient] = await Promise.all([authority.server(), authority.server(), authority.client()]);
  await using sink = await openGrpcSink();
  const tls = { ...ours, client_ca: authority.ca };
  await using node = await startTestNode({ node: { listen: { otlp_grpc: { tls } } } }, { sinks: { a: sink } });
  await using nginx = await startNginx((port, folder) => {
    const file = (name: string, text: string): string => folder.write(name, text);
    return `
  upstream node { server ${node.grpc}; keepalive 16; }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${file("cert.pem", its.cert)};
    ssl_certificate_key ${file("key.pem", its.key)};
    location / {
      grpc_pass grpcs://node;
      grpc_ssl_verify on;
      grpc_ssl_name localhost;
      grpc_ssl_trusted_certificate ${file("ca.pem", authority.ca)};
      grpc_ssl_certificate ${file("client.pem", asClient.cert)};
      grpc_ssl_certificate_key ${file("client-key.pem", asClient.key)};
    }
  }`;
  });
  using client = new GrpcJs(nginx.address, { tls: { ca: authority.ca } });
  const sent = [span("small"), largeSpan(4 * MIB)];
  for (const message of sent) assert.equal((await client.send(message)).code, GRPC.OK);
  assert.deepEqual(
    sink.requests.map(({ body }) => hex(body)),
    sent.map(hex),
  );
  await assertNoFaults(node);
});

test("nginx: a reload of it in the middle of requests loses none", NGINX, async () => {
  const { handler, calls } = hold();
  await using server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(serverOptions(handler), ENV);
  await using nginx = await startNginx(passing(`127.0.0.1:${server.port}`));
  using client = new GrpcJs(nginx.address);
  const before = names(20, "before").map((name) => client.send(span(name)));
  const held: HeldCall[] = [];
  while (held.length < 20) held.push(await calls.next());
  await nginx.reload();
  const after = names(20, "after").map((name) => client.send(span(name)));
  while (held.length < 40) held.push(await calls.next());
  for (const { call } of held) call.reply(ok());
  for (const { code, text } of await Promise.all([...before, ...after])) assert.equal(code, GRPC.OK, text);
  await nginx.oldWorkersGone();
  assert.equal(calls.all.length, 40);
});

test("nginx: what we refuse gets through it to the sender: status, text and RetryInfo", NGINX, async () => {
  const script = refusing(GRPC.UNAVAILABLE, { message: "not now", retryAfterMs: 60_000 });
  await using sink = await openGrpcSink({ script });
  const pool = { targets: ["a"], retry: { max_retries: 0 } };
  await using node = await startTestNode({ targets: [{ id: "a" }], default_pool: pool }, { sinks: { a: sink } });
  await using nginx = await startNginx(passing(node.grpc));
  using client = new GrpcJs(nginx.address);
  const { code, text, trailers } = await client.send(span("refused"));
  assert.equal(code, GRPC.UNAVAILABLE);
  const [details] = trailers?.get("grpc-status-details-bin") ?? [];
  assert.ok(Buffer.isBuffer(details));
  const { message, details: list } = decodeStatus(details);
  assert.equal(message, text);
  assert.match(JSON.stringify(list), /google\.rpc\.RetryInfo.*retryDelay/u);
});

test(
  "nginx: a request that is refused by its head while it sends the body is told as what it is, each time",
  NGINX,
  async () => {
    await using node = await startTestNode({ node: { limits: { max_request_bytes: "100KiB" } } });
    await using nginx = await startNginx(passing(node.grpc));
    using client = new GrpcJs(nginx.address);
    for (let times = 0; times < 5; times++) {
      const { code, text } = await client.send(largeSpan(8 * MIB));
      assert.equal(code, GRPC.RESOURCE_EXHAUSTED, text);
    }
    await assertNoFaults(node);
  },
);

test("nginx: a call that the sender gives up is given up by it, and by us", NGINX, async () => {
  const { handler, calls, cancelled } = hold();
  await using server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(serverOptions(handler), ENV);
  await using nginx = await startNginx(passing(`127.0.0.1:${server.port}`));
  using client = new GrpcJs(nginx.address);
  const { call, end } = client.start(span("given up"));
  await calls.next();
  call.cancel();
  assert.equal((await end).code, GRPC.CANCELLED);
  await cancelled.next();
});

test("nginx: when we stop and start again behind it, it finds us again", NGINX, async () => {
  await using sink = await openGrpcSink();
  const first = await startTestNode({}, { sinks: { a: sink } });
  const address = first.grpc;
  await using nginx = await startNginx(passing(address));
  using client = new GrpcJs(nginx.address);
  assert.equal((await client.send(span("one"))).code, GRPC.OK);
  await first[Symbol.asyncDispose]();
  assert.equal((await client.send(span("two"))).code, GRPC.UNAVAILABLE);
  await using node = await startTestNode({ node: { listen: { otlp_grpc: { address } } } }, { sinks: { a: sink } });
  assert.equal((await client.send(span("three"))).code, GRPC.OK);
  assert.deepEqual(namesIn(sink.requests), ["one", "three"]);
  await assertNoFaults(node);
});

const ENV = { clock: systemClock, random: seededRandom(1) };

/** Takes everything, and remembers who sent it. */
function listen(peers: Set<string>, maxConnectionAgeMs = 0): Promise<ListeningServer> {
  const handler: UnaryHandler = (call) => {
    peers.add(call.peer);
    return exchange({ message: () => call.reply(ok()) });
  };
  return UNARY_TRANSPORTS[TEST_TRANSPORT].listen(serverOptions(handler, { maxConnectionAgeMs }), ENV);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
