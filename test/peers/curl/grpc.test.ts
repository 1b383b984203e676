import assert from "node:assert/strict";
import { test } from "node:test";
import { SIGNAL_FACTS } from "../../../src/otlp/signal.ts";
import { createAuthority } from "../../support/certs.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { startTestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { TEST_TRANSPORT } from "../../support/transport.ts";
import { TestFolder } from "../folder.ts";
import { assertNoFaults, framed, largeSpan, MIB, span } from "../items.ts";
import { needs } from "../needs.ts";
import { curl, type CurlEnd } from "./curl.ts";

const CURL = needs("curl");
const EXPORT = SIGNAL_FACTS.traces.grpcPath;
const PRIOR = "--http2-prior-knowledge";
const GRPC_HEADERS = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
/** An Export response without anything in it, with its prefix. */
const EMPTY = Buffer.alloc(5);

for (const [name, message] of [
  ["a small", span("small")],
  ["a large", largeSpan(4 * MIB)],
] as const) {
  test(`curl: ${name} request with prior knowledge of HTTP/2 gets its message and its trailers`, CURL, async () => {
    await using sink = await openGrpcSink();
    await using node = await startTestNode({}, { sinks: { a: sink } });
    const end = await curl(`http://${node.grpc}${EXPORT}`, framed(message), [PRIOR, ...GRPC_HEADERS]);
    assert.deepEqual([end.code, end.version, end.status], [0, "2", 200], end.error);
    assert.equal(end.fields.get("content-type"), "application/grpc");
    assert.equal(end.fields.get("grpc-status"), "0");
    assert.deepEqual(end.body, EMPTY);
    assert.equal(sink.requests[0]?.body.length, message.length);
    await assertNoFaults(node);
  });
}

test("curl: over TLS it chooses HTTP/2 by ALPN, and is served", CURL, async () => {
  const authority = await createAuthority();
  await using sink = await openGrpcSink();
  const tls = await authority.server();
  await using node = await startTestNode({ node: { listen: { otlp_grpc: { tls } } } }, { sinks: { a: sink } });
  using folder = new TestFolder();
  const trust = ["--cacert", folder.write("ca.pem", authority.ca)];
  const url = `https://${node.grpc}${EXPORT}`;
  const end = await curl(url, framed(span("one")), ["--http2", ...trust, ...GRPC_HEADERS]);
  assert.deepEqual([end.code, end.version, end.fields.get("grpc-status")], [0, "2", "0"], end.error);
  const old = await curl(url, framed(span("two")), ["--http1.1", ...trust, ...GRPC_HEADERS]);
  assert.notEqual(old.code, 0);
  assert.match(old.error, /no application protocol/u);
  const strange = await curl(url, framed(span("three")), ["--http2", ...GRPC_HEADERS]);
  assert.match(strange.error, /certificate/u);
  assert.equal(sink.counts().requests, 1);
  await assertNoFaults(node);
});

test("curl: a client certificate is asked for, and that of another authority is none", CURL, async () => {
  const [authority, other] = await Promise.all([createAuthority(), createAuthority("another authority")]);
  const [server, good, bad] = await Promise.all([authority.server(), authority.client(), other.client()]);
  await using sink = await openGrpcSink();
  const tls = { ...server, client_ca: authority.ca };
  await using node = await startTestNode({ node: { listen: { otlp_grpc: { tls } } } }, { sinks: { a: sink } });
  using folder = new TestFolder();
  const trust = ["--http2", "--cacert", folder.write("ca.pem", authority.ca), ...GRPC_HEADERS];
  const withCert = ({ cert, key }: typeof good): string[] => {
    return ["--cert", folder.write("cert.pem", cert), "--key", folder.write("key.pem", key)];
  };
  const url = `https://${node.grpc}${EXPORT}`;
  assert.equal((await curl(url, framed(span("one")), [...trust, ...withCert(good)])).fields.get("grpc-status"), "0");
  assert.notEqual((await curl(url, framed(span("two")), [...trust, ...withCert(bad)])).code, 0);
  assert.notEqual((await curl(url, framed(span("three")), trust)).code, 0);
  assert.equal(sink.counts().requests, 1);
});

const REFUSED = [
  { name: "another content type", args: ["-H", "content-type: application/json"], want: { status: 415 } },
  { name: "no content type of gRPC's", args: [], want: { status: 415 } },
  { name: "another method", args: ["-X", "PUT", ...GRPC_HEADERS], want: { status: 405, allow: "POST" } },
  {
    name: "an unknown compression",
    args: [...GRPC_HEADERS, "-H", "grpc-encoding: br"],
    want: { status: 200, "grpc-status": "12" },
  },
  {
    name: "a timeout that is none",
    args: [...GRPC_HEADERS, "-H", "grpc-timeout: soon"],
    want: { status: 200, "grpc-status": "13" },
  },
  { name: "another path", args: GRPC_HEADERS, path: "/a.B/C", want: { status: 200, "grpc-status": "12" } },
] as const;
const WAITS = ["-H", "expect: 100-continue", "--expect100-timeout", "20"];
const BODIES = { nothing: 0, "100 bytes": 100, "1 MiB": MIB, "16 MiB": 16 * MIB };

function assertAnswered(end: CurlEnd, want: Readonly<Record<string, string | number>>): void {
  const { status, ...fields } = want;
  assert.deepEqual([end.code, end.status], [0, status], end.error);
  for (const [field, value] of Object.entries(fields)) assert.equal(end.fields.get(field), value, end.error);
  if (status === 200) assert.notEqual(end.fields.get("grpc-message") ?? "", "");
}

for (const { name, args, want, ...more } of REFUSED) {
  for (const [size, bytes] of Object.entries(BODIES)) {
    test(`curl: ${name} is answered clearly, whether ${size} is on the way or waits`, CURL, async () => {
      await using node = await startTestNode({}, { clock: new ManualClock() });
      const url = `http://${node.grpc}${"path" in more ? more.path : EXPORT}`;
      for (const how of [["-H", "expect:"], WAITS]) {
        assertAnswered(await curl(url, Buffer.alloc(bytes), [PRIOR, ...args, ...how]), want);
      }
      await assertNoFaults(node);
    });
  }
}

test("curl: no message is answered clearly", CURL, async () => {
  await using node = await startTestNode({});
  const end = await curl(`http://${node.grpc}${EXPORT}`, "", [PRIOR, ...GRPC_HEADERS]);
  assertAnswered(end, { status: 200, "grpc-status": "13" });
});

test("curl: a message above the limit is answered clearly while it is on the way", CURL, async () => {
  const config = { node: { limits: { max_request_bytes: "1MiB" } } };
  await using node = await startTestNode(config, { clock: new ManualClock() });
  for (const how of [["-H", "expect:"], WAITS]) {
    const message = framed(Buffer.alloc(12 * MIB));
    const end = await curl(`http://${node.grpc}${EXPORT}`, message, [PRIOR, ...GRPC_HEADERS, ...how]);
    assertAnswered(end, { status: 200, "grpc-status": "8" });
  }
  await assertNoFaults(node);
});

test(
  "curl: much more than a node takes of a refused request ends in an error, and the answer is shown",
  CURL,
  async () => {
    await using node = await startTestNode({}, { clock: new ManualClock() });
    const args = [PRIOR, ...GRPC_HEADERS, "-H", "expect:"];
    const end = await curl(`http://${node.grpc}/a.B/C`, Buffer.alloc(64 * MIB), args);
    assert.deepEqual([end.status, end.fields.get("grpc-status")], [200, "12"], end.error);
    await assertNoFaults(node);
  },
);

// node:http2 answers HTTP/1.1 with frames.
if (TEST_TRANSPORT === "own") {
  for (const version of ["--http1.1", "--http2", "--http1.0"]) {
    test(`curl: ${version} without TLS is answered with 505 and where to go instead`, CURL, async () => {
      await using node = await startTestNode({});
      const end = await curl(`http://${node.grpc}${EXPORT}`, framed(span("one")), [version, ...GRPC_HEADERS]);
      assert.deepEqual([end.code, end.status], [0, 505], end.error);
      assert.match(end.body.toString("utf8"), /speaks gRPC over HTTP\/2.*4318/u);
    });
  }
}
