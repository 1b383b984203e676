import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { senderHeaders } from "../../src/plan/sender-headers.ts";
import { startTestNode } from "../support/node.ts";
import { GrpcConnection } from "../receive/grpc-client.ts";
import { ask } from "../receive/http-client.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { refusing } from "../support/sinks/sink-script.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { batchOf, openTo, send, summary, TWO_SPANS } from "./send.ts";

const PASSED = senderHeaders([
  ["authorization", "Bearer of the sender"],
  ["cookie", "a=1; b=2"],
  ["x-empty", ""],
  ["x-own", "of the sender"],
  ["x-scope-orgid", "team a"],
]);
const TARGET = {
  headers: { "x-own": "of the target", "x-router": "signalbox" },
  forwardHeaders: ["authorization", "cookie", "x-empty", "x-missing", "x-scope-orgid"],
};
const WANTED = {
  authorization: "Bearer of the sender",
  cookie: "a=1; b=2",
  "x-empty": "",
  "x-missing": undefined,
  "x-own": "of the target",
  "x-router": "signalbox",
  "x-scope-orgid": "team a",
};

function those(sink: Sink): Record<string, string | undefined>[] {
  return sink.requests.map(({ headers }) =>
    Object.fromEntries(Object.keys(WANTED).map((name) => [name, headers[name]])),
  );
}

for (const [protocol, open] of [
  ["grpc", openGrpcSink],
  ["http/protobuf", openHttpSink],
] as const) {
  test(`${protocol}: a target is passed its senders' headers, its own win, and the next call has its own again`, async () => {
    await using sink = await open();
    await using client = openTo(sink.url, protocol, TARGET);
    for (const headers of [PASSED, undefined, PASSED]) {
      assert.equal(summary(await send(client, batchOf(TWO_SPANS, "traces", headers))), "accepted 0");
    }
    const alone = Object.fromEntries(Object.keys(WANTED).map((name) => [name, undefined]));
    const own = { ...alone, "x-own": "of the target", "x-router": "signalbox" };
    assert.deepEqual(those(sink), [WANTED, own, WANTED]);
  });
}

const CREDENTIALS = senderHeaders([
  ["authorization", "Bearer s3cret-token"],
  ["cookie", "a=1; session=s3cret-session"],
  ["x-scope-orgid", "team-of-people"],
]);
for (const [protocol, open] of [
  ["grpc", openGrpcSink],
  ["http/protobuf", openHttpSink],
] as const) {
  test(`${protocol}: a target that repeats credentials in its words is not repeated, in whole or in part`, async () => {
    await using sink = await open();
    const words = "no such token: Bearer s3cret-token, or s3cret-token; session s3cret-session of team-of-people, a=1";
    sink.script = refusing(protocol === "grpc" ? GRPC.UNAUTHENTICATED : 401, { message: words });
    await using client = openTo(sink.url, protocol, TARGET);
    const { message } = await send(client, batchOf(TWO_SPANS, "traces", CREDENTIALS));
    const code = protocol === "grpc" ? "UNAUTHENTICATED" : "HTTP 401";
    const hidden = "no such token: [redacted], or [redacted]; session [redacted] of team-of-people, a=1";
    assert.equal(message, `${code}: ${hidden}`);
  });

  test(`${protocol}: a target that repeats its own headers in its words is not repeated either`, async () => {
    await using sink = await open();
    sink.script = refusing(protocol === "grpc" ? GRPC.PERMISSION_DENIED : 403, {
      message: "key 0123456789abcdef is over quota",
    });
    await using client = openTo(sink.url, protocol, { headers: { "x-api-key": "0123456789abcdef" } });
    const { message } = await send(client, batchOf(TWO_SPANS, "traces"));
    assert.match(message, /: key \[redacted\] is over quota$/u);
  });
}

test("a node passes on the headers of both protocols' senders to targets of both, and hides credentials everywhere", async () => {
  await using tempo = await openGrpcSink();
  await using mimir = await openHttpSink();
  const forward = ["X-Scope-OrgID", "Authorization"];
  const config = {
    targets: [
      { id: "tempo", forward_headers: forward },
      { id: "mimir", protocol: "http/protobuf", forward_headers: forward },
    ],
    rules: [{ id: "traces", signals: ["traces"], targets: ["tempo"] }],
    default_pool: { targets: ["mimir"] },
    node: { log: { level: "debug" } },
  };
  await using node = await startTestNode(config, { sinks: { tempo, mimir } });
  await using connection = new GrpcConnection(Number(node.grpc.split(":")[1]));
  const secret = "Bearer s3cret-of-the-sender";
  const headers = { "X-Scope-OrgID": "a", Authorization: secret };
  const type = { "content-type": "application/x-protobuf" };
  const span = Buffer.concat(TWO_SPANS);
  for (const path of ["/v1/traces", "/v1/logs"]) {
    const answer = await ask(Number(node.http.split(":")[1]), path, { headers: { ...headers, ...type }, body: span });
    assert.equal(answer.status, 200);
  }
  for (const service of ["trace.v1.TraceService", "logs.v1.LogsService"]) {
    const lower = { "x-scope-orgid": "b", authorization: secret };
    const answer = await connection.call(`/opentelemetry.proto.collector.${service}/Export`, span, { headers: lower });
    assert.equal(answer.status, 0, answer.text);
  }
  for (const sink of [tempo, mimir]) {
    const got = sink.requests.filter(({ body }) => body.length > 0).map((request) => request.headers);
    assert.deepEqual(
      got.map((one) => [one["x-scope-orgid"], one["authorization"]]),
      [
        ["a", secret],
        ["b", secret],
      ],
    );
  }
  const told = [JSON.stringify(node.lines)];
  for (const path of ["/api/v1/status", "/api/v1/targets", "/api/v1/pools", "/api/v1/config", "/metrics"]) {
    const answer = await ask(Number(node.admin.split(":")[1]), path, { method: "GET" });
    told.push(answer.body.toString());
  }
  assert.doesNotMatch(told.join("\n"), /s3cret/u);
});
