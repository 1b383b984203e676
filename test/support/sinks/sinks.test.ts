import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import type { IncomingHttpHeaders } from "node:http2";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { openGrpcSink } from "./grpc-sink.ts";
import { openHttpSink } from "./http-sink.ts";
import { answers, flapping, hung, OK, refusing, slow } from "./sink-script.ts";
import type { SinkScript } from "./sink-script.ts";

/** One resource, one scope, two empty spans. */
const TWO_SPANS = Buffer.from([0x0a, 0x06, 0x12, 0x04, 0x12, 0x00, 0x12, 0x00]);
const TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

interface GrpcReply {
  readonly headers: IncomingHttpHeaders;
  readonly status: string;
  readonly body: Buffer;
}

async function grpcCall(url: string, message: Uint8Array, compressed = false): Promise<GrpcReply | "reset"> {
  const session = connect(url);
  const { promise, resolve } = Promise.withResolvers<GrpcReply | "reset">();
  session.on("error", () => resolve("reset"));
  const stream = session.request({ ":method": "POST", ":path": TRACES, "x-tenant": "blue", te: "trailers" });
  const prefix = Buffer.from([compressed ? 1 : 0, 0, 0, 0, message.length]);
  let headers: GrpcReply["headers"] = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("error", () => resolve("reset"));
  stream.on("response", (received) => (headers = received));
  stream.on("trailers", (received) => (trailers = received));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    const status = trailers["grpc-status"] ?? headers["grpc-status"];
    if (status !== undefined) resolve({ headers, status: String(status), body: Buffer.concat(chunks) });
  });
  stream.on("close", () => resolve("reset"));
  stream.end(Buffer.concat([prefix, message]));
  const reply = await promise;
  session.destroy();
  return reply;
}

function httpCall(
  url: string,
  body: Uint8Array,
  type: string,
): Promise<{ code: number; headers: object; text: string }> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${url}/v1/traces`, { method: "POST", headers: { "content-type": type } }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

const scripts: { name: string; script: SinkScript; want: string; accepted: number }[] = [
  { name: "takes a request", script: () => OK, want: "0", accepted: 1 },
  { name: "takes a request late", script: slow(1), want: "0", accepted: 1 },
  { name: "refuses with a code", script: refusing(14), want: "14", accepted: 0 },
  { name: "resets a call", script: () => ({ kind: "reset" }), want: "reset", accepted: 0 },
  { name: "drops the connection", script: () => ({ kind: "disconnect" }), want: "reset", accepted: 0 },
];
for (const { name, script, want, accepted } of scripts) {
  test(`gRPC sink: ${name}`, async () => {
    await using sink = await openGrpcSink({ script });
    const reply = await grpcCall(sink.url, TWO_SPANS);
    assert.equal(reply === "reset" ? reply : reply.status, want);
    assert.equal(sink.counts().accepted, accepted);
    assert.equal(sink.counts().requests, 1);
  });
}

test("gRPC sink: keeps what arrived: signal, headers, inflated bytes, items", async () => {
  await using sink = await openGrpcSink();
  await grpcCall(sink.url, gzipSync(TWO_SPANS), true);
  const [got] = sink.requests;
  assert.ok(got);
  assert.deepEqual(
    [got.signal, got.headers["x-tenant"], got.encoding, got.items, Buffer.from(got.body)],
    ["traces", "blue", "gzip", 2, TWO_SPANS],
  );
  assert.equal(sink.counts().acceptedItems, 2);
});

test("gRPC sink: a status with a delay carries RetryInfo in its details", async () => {
  await using sink = await openGrpcSink({ script: refusing(8, { message: "slow down", retryAfterMs: 1_500 }) });
  const reply = await grpcCall(sink.url, TWO_SPANS);
  assert.ok(reply !== "reset");
  const details = Buffer.from(String(reply.headers["grpc-status-details-bin"]), "base64");
  // seconds 1, nanos 500,000,000 of the Duration in RetryInfo
  assert.ok(details.toString("latin1").endsWith("\x08\x01\x10\x80\xca\xb5\xee\x01"));
  assert.ok(details.includes("type.googleapis.com/google.rpc.RetryInfo"));
});

test("gRPC sink: a partial success says how many were rejected", async () => {
  await using sink = await openGrpcSink({ script: answers({ kind: "partial", rejected: 1, message: "no" }) });
  const reply = await grpcCall(sink.url, TWO_SPANS);
  assert.ok(reply !== "reset");
  assert.deepEqual([...reply.body], [0, 0, 0, 0, 8, 0x0a, 6, 0x08, 1, 0x12, 2, 0x6e, 0x6f]);
  assert.deepEqual([sink.counts().acceptedItems, sink.counts().rejectedItems], [1, 1]);
});

test("gRPC sink: what is not protobuf is refused as a real server would, and counted", async () => {
  await using sink = await openGrpcSink();
  const reply = await grpcCall(sink.url, Buffer.from([0x0a, 0x7f]));
  assert.ok(reply !== "reset");
  assert.deepEqual([reply.status, sink.counts().malformed, sink.counts().accepted], ["3", 1, 0]);
});

test("gRPC sink: killed while it hangs: the call fails; started again on its port: the next one is taken", async () => {
  await using sink = await openGrpcSink({ script: hung });
  const hanging = grpcCall(sink.url, TWO_SPANS);
  await sink.until((counts) => counts.requests === 1);
  await sink.kill();
  assert.equal(await hanging, "reset");
  assert.equal(await grpcCall(sink.url, TWO_SPANS), "reset");
  sink.script = () => OK;
  await sink.start();
  const reply = await grpcCall(sink.url, TWO_SPANS);
  assert.ok(reply !== "reset" && reply.status === "0");
  assert.deepEqual([sink.counts().requests, sink.counts().accepted], [2, 1]);
});

test("gRPC sink: draining ends what is under way first", async () => {
  await using sink = await openGrpcSink({ script: slow(20) });
  const call = grpcCall(sink.url, TWO_SPANS);
  await sink.until((counts) => counts.requests === 1);
  await sink.drain();
  const reply = await call;
  assert.ok(reply !== "reset" && reply.status === "0");
});

test("gRPC sink: flapping: good and bad requests in turn", async () => {
  await using sink = await openGrpcSink({ script: flapping(2, 1, { kind: "status", code: 14 }) });
  const statuses: string[] = [];
  for (let i = 0; i < 6; i++) {
    const reply = await grpcCall(sink.url, TWO_SPANS);
    statuses.push(reply === "reset" ? reply : reply.status);
  }
  assert.deepEqual(statuses, ["0", "0", "14", "0", "0", "14"]);
});

test("gRPC sink: keeps the newest requests within its bounds and goes on counting", async () => {
  await using sink = await openGrpcSink({ maxRequests: 2 });
  for (let i = 0; i < 3; i++) await grpcCall(sink.url, TWO_SPANS);
  assert.deepEqual([sink.requests.length, sink.counts().forgotten, sink.counts().acceptedItems], [2, 1, 6]);
});

test("gRPC sink: waiting for what does not come fails and tells what came", async () => {
  await using sink = await openGrpcSink();
  await assert.rejects(
    sink.until((counts) => counts.requests > 0, 5),
    /saw \{"requests":0/u,
  );
});

test("HTTP sink: takes protobuf, keeps what arrived", async () => {
  await using sink = await openHttpSink();
  const reply = await httpCall(sink.url, TWO_SPANS, "application/x-protobuf");
  assert.deepEqual(
    [reply.code, reply.text, sink.requests[0]?.signal, sink.counts().acceptedItems],
    [200, "", "traces", 2],
  );
});

test("HTTP sink: answers JSON with JSON", async () => {
  await using sink = await openHttpSink({ script: answers({ kind: "partial", rejected: 2, message: "no" }) });
  const reply = await httpCall(sink.url, Buffer.from("{}"), "application/json");
  assert.match(reply.text, /"rejectedSpans":"2"/u);
});

test("HTTP sink: refuses with a code and Retry-After in whole seconds", async () => {
  await using sink = await openHttpSink({ script: refusing(429, { retryAfterMs: 1_200 }) });
  const reply = await httpCall(sink.url, TWO_SPANS, "application/x-protobuf");
  assert.deepEqual([reply.code, "retry-after" in reply.headers && reply.headers["retry-after"]], [429, "2"]);
});

test("HTTP sink: killed, then started again on its port", async () => {
  await using sink = await openHttpSink({ script: hung });
  const hanging = assert.rejects(httpCall(sink.url, TWO_SPANS, "application/x-protobuf"));
  await sink.until((counts) => counts.requests === 1);
  await sink.kill();
  await hanging;
  await assert.rejects(httpCall(sink.url, TWO_SPANS, "application/x-protobuf"), /ECONNREFUSED/u);
  sink.script = () => OK;
  await sink.start();
  assert.equal((await httpCall(sink.url, TWO_SPANS, "application/x-protobuf")).code, 200);
});
