import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { SIGNAL_FACTS } from "../../../src/otlp/signal.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesIn } from "../../support/items.ts";
import { startTestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { TestFolder } from "../folder.ts";
import { largeSpan, MIB, span } from "../items.ts";
import { needs } from "../needs.ts";
import { curl } from "./curl.ts";

const CURL = needs("curl");
const JSON_TYPE = ["-H", "content-type: application/json"];
const PROTOBUF_TYPE = ["-H", "content-type: application/x-protobuf"];
const TRACES = SIGNAL_FACTS.traces.httpPath;

const JSON_REQUESTS = [
  [
    "traces",
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","traceId":"0af7651916cd43dd8448eb211c80319c"}]}]}]}',
  ],
  [
    "metrics",
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{"dataPoints":[{"asInt":"7"}]}}]}]}]}',
  ],
  ["logs", '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}'],
] as const;
for (const [signal, json] of JSON_REQUESTS) {
  for (const gzip of [false, true]) {
    test(
      `curl: OTLP/HTTP: ${signal} as JSON${gzip ? ", compressed," : ""} are answered in JSON and delivered`,
      CURL,
      async () => {
        await using sink = await openGrpcSink();
        await using node = await startTestNode({}, { sinks: { a: sink } });
        const url = `http://${node.http}${SIGNAL_FACTS[signal].httpPath}`;
        const how = gzip ? ["-H", "content-encoding: gzip"] : [];
        const end = await curl(url, gzip ? gzipSync(json) : json, [...JSON_TYPE, ...how]);
        assert.deepEqual([end.code, end.status, end.body.toString("utf8")], [0, 200, "{}"], end.error);
        assert.equal(end.fields.get("content-type"), "application/json");
        assert.deepEqual(namesIn(sink.requests), ["a"]);
      },
    );
  }
}

test("curl: OTLP/HTTP: large protobuf, for which it waits for 100 Continue, is delivered", CURL, async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  const large = largeSpan(4 * MIB);
  const waits = ["-H", "expect: 100-continue", "--expect100-timeout", "20"];
  const end = await curl(`http://${node.http}${TRACES}`, large, ["--http1.1", ...PROTOBUF_TYPE, ...waits]);
  assert.deepEqual([end.code, end.status, end.body.length], [0, 200, 0], end.error);
  assert.match(end.heads, /^HTTP\/1\.1 100 Continue\r?$/mu);
  assert.equal(sink.requests[0]?.body.length, large.length);
});

test("curl: OTLP/HTTP: over TLS it is served HTTP/1.1, also when it would rather speak HTTP/2", CURL, async () => {
  const authority = await createAuthority();
  await using sink = await openGrpcSink();
  const tls = await authority.server();
  await using node = await startTestNode({ node: { listen: { otlp_http: { tls } } } }, { sinks: { a: sink } });
  using folder = new TestFolder();
  const trust = ["--cacert", folder.write("ca.pem", authority.ca), ...PROTOBUF_TYPE];
  for (const version of ["--http1.1", "--http2"]) {
    const end = await curl(`https://${node.http}${TRACES}`, span(version), [version, ...trust]);
    assert.deepEqual([end.code, end.version, end.status], [0, "1.1", 200], end.error);
  }
  assert.deepEqual(namesIn(sink.requests), ["--http1.1", "--http2"]);
});

const REFUSED = [
  { name: "text", args: ["-H", "content-type: text/plain"], path: TRACES, body: "x", status: 415 },
  { name: "another path", args: JSON_TYPE, path: "/v1/nothing", body: "{}", status: 404 },
  { name: "another method", args: [...JSON_TYPE, "-X", "PUT"], path: TRACES, body: "{}", status: 405 },
  { name: "broken JSON", args: JSON_TYPE, path: TRACES, body: "{", status: 400 },
  {
    name: "an unknown compression",
    args: [...JSON_TYPE, "-H", "content-encoding: br"],
    path: TRACES,
    body: "{}",
    status: 415,
  },
] as const;
for (const { name, args, path, body, status } of REFUSED) {
  test(`curl: OTLP/HTTP: ${name} is answered with ${status} and says why`, CURL, async () => {
    await using node = await startTestNode({});
    const end = await curl(`http://${node.http}${path}`, body, args);
    assert.deepEqual([end.code, end.status], [0, status], end.error);
    assert.ok(end.body.length > 0);
  });
}

for (const { name, args, path, status } of REFUSED.filter((row) => row.name !== "broken JSON")) {
  test(
    `curl: OTLP/HTTP: ${name} is answered with ${status} while a large body is on the way or waits`,
    CURL,
    async () => {
      await using node = await startTestNode({});
      for (const how of [
        ["-H", "expect:"],
        ["-H", "expect: 100-continue", "--expect100-timeout", "20"],
      ]) {
        const end = await curl(`http://${node.http}${path}`, Buffer.alloc(16 * MIB), ["--http1.1", ...args, ...how]);
        assert.deepEqual([end.code, end.status], [0, status], end.error);
        assert.ok(end.body.length > 0);
      }
    },
  );
}
