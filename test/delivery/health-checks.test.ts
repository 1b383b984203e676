import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { ListeningServer } from "../../src/core/sockets/listening-server.ts";
import type { Check, CheckOutcome } from "../../src/data/health/check.ts";
import { openCheck } from "../../src/data/health/checks/open-check.ts";
import { UNARY_TRANSPORTS } from "../../src/http2/transport.ts";
import type { UnaryHandler, UnaryReply } from "../../src/http2/port.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import type { CheckPlan } from "../../src/plan/target-health.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { answers, hung, type SinkAnswer } from "../support/sinks/sink-script.ts";
import { TEST_TRANSPORT } from "../support/transport.ts";
import { targetPlan, TEST_CONNECTION } from "./pool-rig.ts";
import { openTo } from "./send.ts";

const CHECK: CheckPlan = {
  type: "otlp",
  url: "",
  intervalMs: 10_000,
  timeoutMs: 5_000,
  fall: 3,
  rise: 2,
  path: "/health",
  service: "",
  connection: TEST_CONNECTION,
  headers: {},
  written: true,
};

/** A check with a client of its own, disposed with it. */
function open(url: string, check: Partial<CheckPlan>, more: Partial<TargetPlan> = {}, clock = systemClock): Check {
  const plan = targetPlan("t", { url, ...more });
  const client = openTo(url, plan.protocol, more);
  const env = { clock, random: seededRandom(1), metrics: createMetrics() };
  const opened = openCheck({ ...CHECK, url, ...check }, () => plan, client, env);
  return {
    run: (timeoutMs, done) => opened.run(timeoutMs, done),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

function run(check: Check, timeoutMs = 10_000): Promise<CheckOutcome> {
  return new Promise((resolve) => {
    check.run(timeoutMs, resolve);
  });
}

/** On a free port; disposing it cuts its connections. */
async function listening(server: Server): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    sockets.add(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Nobody listens there any more. */
async function deadUrl(): Promise<string> {
  await using server = await listening(createTcpServer());
  return server.url;
}

const status = (code: number, retryAfterMs?: number): SinkAnswer =>
  retryAfterMs === undefined ? { kind: "status", code } : { kind: "status", code, retryAfterMs };

const otlp: { name: string; grpc: SinkAnswer; http: SinkAnswer; want: CheckOutcome["result"] }[] = [
  { name: "taken", grpc: { kind: "ok" }, http: { kind: "ok" }, want: "passed" },
  { name: "refused as bad data", grpc: status(GRPC.INVALID_ARGUMENT), http: status(400), want: "passed" },
  { name: "not implemented", grpc: status(GRPC.UNIMPLEMENTED), http: status(404), want: "passed" },
  { name: "throttled", grpc: status(GRPC.RESOURCE_EXHAUSTED, 1_000), http: status(429), want: "passed" },
  { name: "out of quota", grpc: status(GRPC.RESOURCE_EXHAUSTED), http: status(413), want: "passed" },
  { name: "unavailable", grpc: status(GRPC.UNAVAILABLE), http: status(503), want: "failed" },
  { name: "broken inside", grpc: status(GRPC.INTERNAL), http: status(500), want: "failed" },
  { name: "not authenticated", grpc: status(GRPC.UNAUTHENTICATED), http: status(401), want: "failed" },
  { name: "not allowed", grpc: status(GRPC.PERMISSION_DENIED), http: status(403), want: "failed" },
  { name: "disconnected", grpc: { kind: "disconnect" }, http: { kind: "disconnect" }, want: "failed" },
];
for (const { name, grpc, http, want } of otlp) {
  test(`otlp: an empty export that is ${name}: ${want}`, async () => {
    await using grpcSink = await openGrpcSink({ script: () => grpc });
    await using httpSink = await openHttpSink({ script: () => http });
    await using overGrpc = open(grpcSink.url, {});
    await using overHttp = open(`${httpSink.url}/base`, {}, { protocol: "http/protobuf" });
    assert.equal((await run(overGrpc)).result, want);
    assert.equal((await run(overHttp)).result, want);
  });
}

test("otlp: the request is empty, and takes the way and the headers of data", async () => {
  await using sink = await openHttpSink();
  const headers = { "x-token": "t" };
  await using check = open(`${sink.url}/base`, {}, { protocol: "http/protobuf", compression: "gzip", headers });
  await run(check);
  const [request] = sink.requests;
  assert.deepEqual([request!.path, request!.body.length, request!.items], ["/base/v1/traces", 0, 0]);
  assert.equal(request!.headers["x-token"], "t");
});

test("otlp: after a refusal the next signal is asked for, so that who takes only logs is not taken for broken", async () => {
  const denied = status(GRPC.PERMISSION_DENIED);
  await using sink = await openGrpcSink({ script: ({ signal }) => (signal === "logs" ? { kind: "ok" } : denied) });
  await using check = open(sink.url, {});
  const results: string[] = [];
  for (let i = 0; i < 4; i++) results.push((await run(check)).result);
  assert.deepEqual(results, ["failed", "failed", "passed", "passed"]);
});

test("otlp: what hangs ends in a timeout, and nobody listening in a failure", async () => {
  await using sink = await openGrpcSink({ script: hung });
  await using check = open(sink.url, {});
  assert.equal((await run(check, 50)).result, "timeout");
  await using dead = open(await deadUrl(), {});
  assert.equal((await run(dead)).result, "failed");
});

const https: { name: string; listener: RequestListener; want: CheckOutcome }[] = [
  { name: "200", listener: (_request, reply) => void reply.end("fine"), want: { result: "passed", said: "HTTP 200" } },
  {
    name: "204",
    listener: (_request, reply) => void reply.writeHead(204).end(),
    want: { result: "passed", said: "HTTP 204" },
  },
  {
    name: "302",
    listener: (_request, reply) => void reply.writeHead(302, { location: "/" }).end(),
    want: { result: "failed", said: "HTTP 302" },
  },
  {
    name: "503",
    listener: (_request, reply) => void reply.writeHead(503).end("no"),
    want: { result: "failed", said: "HTTP 503" },
  },
  { name: "no answer", listener: () => undefined, want: { result: "timeout", said: "no answer within 50 ms" } },
];
for (const { name, listener, want } of https) {
  test(`http: ${name}: ${want.result}`, async () => {
    await using server = await listening(createHttpServer(listener));
    await using check = open(server.url, { type: "http" });
    assert.deepEqual(await run(check, want.result === "timeout" ? 50 : 10_000), want);
  });
}

test("http: GET of the path with the target's headers, wherever the check is told to ask", async () => {
  const seen: unknown[] = [];
  const listener: RequestListener = ({ method, url, headers }, reply) => {
    seen.push([method, url, headers["x-token"]]);
    reply.end();
  };
  await using server = await listening(createHttpServer(listener));
  const plan = { headers: { "x-token": "t" } };
  await using check = open(await deadUrl(), { type: "http", url: server.url, path: "/healthz?deep=1" }, plan);
  assert.equal((await run(check)).result, "passed");
  assert.equal((await run(check)).result, "passed");
  assert.deepEqual(
    seen,
    Array.from({ length: 2 }, () => ["GET", "/healthz?deep=1", "t"]),
  );
});

test("http: interim replies before the answer are passed over, and no connection is kept", async () => {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections++;
    socket.on("data", () =>
      socket.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
    );
  });
  await using listens = await listening(server);
  await using check = open(listens.url, { type: "http" });
  for (let i = 1; i <= 3; i++) {
    assert.deepEqual(await run(check), { result: "passed", said: "HTTP 204" });
    assert.equal(connections, i);
  }
});

test("http: nobody listening is a failure", async () => {
  await using check = open(await deadUrl(), { type: "http" });
  assert.equal((await run(check)).result, "failed");
});

/** Answers every call in the same way, or not at all. */
function listenGrpc(handler: UnaryHandler): Promise<ListeningServer> {
  const limits = { maxConcurrentStreams: 10, maxHeaderBytes: 16_384, maxConnections: 10 };
  const ages = { maxConnectionAgeMs: 0, maxConnectionAgeGraceMs: 0, keepaliveTimeMs: 0, keepaliveTimeoutMs: 1_000 };
  const options = { host: "127.0.0.1", port: 0, handler, ...limits, ...ages };
  return UNARY_TRANSPORTS[TEST_TRANSPORT].listen(options, { clock: systemClock, random: seededRandom(1) });
}

const grpcs: { name: string; reply: UnaryReply; want: CheckOutcome }[] = [
  {
    name: "SERVING",
    reply: { status: 0, text: "", message: Uint8Array.of(8, 1) },
    want: { result: "passed", said: "SERVING" },
  },
  {
    name: "NOT_SERVING",
    reply: { status: 0, text: "", message: Uint8Array.of(8, 2) },
    want: { result: "failed", said: "NOT_SERVING" },
  },
  {
    name: "no status",
    reply: { status: 0, text: "", message: new Uint8Array(0) },
    want: { result: "failed", said: "UNKNOWN" },
  },
  {
    name: "another field first",
    reply: { status: 0, text: "", message: Uint8Array.of(0x12, 1, 0, 8, 1) },
    want: { result: "passed", said: "SERVING" },
  },
  {
    name: "what is no message",
    reply: { status: 0, text: "", message: Uint8Array.of(8) },
    want: { result: "failed", said: "UNKNOWN" },
  },
  {
    name: "an unknown service",
    reply: { status: GRPC.NOT_FOUND, text: "no such" },
    want: { result: "failed", said: "NOT_FOUND: no such" },
  },
  {
    name: "no health service",
    reply: { status: GRPC.UNIMPLEMENTED, text: "" },
    want: { result: "failed", said: "UNIMPLEMENTED" },
  },
];
for (const { name, reply, want } of grpcs) {
  test(`grpc: ${name}: ${want.result}`, async () => {
    let asked = "";
    await using server = await listenGrpc((call) => {
      asked = call.path;
      return {
        maxMessageBytes: 1_000,
        length: () => undefined,
        message: () => call.reply(reply),
        cancelled: () => undefined,
      };
    });
    await using check = open(`http://127.0.0.1:${server.port}`, { type: "grpc", service: "s" });
    assert.deepEqual([await run(check), asked], [want, "/grpc.health.v1.Health/Check"]);
  });
}

test("grpc: what hangs ends in a timeout, and nobody listening in a failure", async () => {
  await using server = await listenGrpc(() => {
    return { maxMessageBytes: 1_000, length: () => undefined, message: () => undefined, cancelled: () => undefined };
  });
  await using check = open(`http://127.0.0.1:${server.port}`, { type: "grpc" });
  assert.equal((await run(check, 50)).result, "timeout");
  await using dead = open(await deadUrl(), { type: "grpc" });
  assert.equal((await run(dead)).result, "failed");
});

test("grpc: a Signalbox is asked by service, whose name may be long", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode("default_pool: { targets: [a] }", { sinks: { a: sink } });
  const service = "opentelemetry.proto.collector.trace.v1.TraceService";
  const said = async (name: string): Promise<string> => {
    await using check = open(`http://${node.grpc}`, { type: "grpc", service: name });
    return (await run(check)).said;
  };
  assert.deepEqual([await said(""), await said(service)], ["SERVING", "SERVING"]);
  const long = "x".repeat(300);
  assert.equal(await said(long), `NOT_FOUND: there is no service "${long}"`);
});

test("tcp: a connection passes and is closed; nobody listening is a failure; no answer in time a timeout", async () => {
  const server = createTcpServer();
  await using address = await listening(server);
  const closed = once(server, "connection").then(
    ([socket]: { once(event: "close", listener: () => void): void }[]) =>
      new Promise<void>((resolve) => socket!.once("close", resolve)),
  );
  await using check = open(address.url, { type: "tcp" });
  assert.deepEqual(await run(check), { result: "passed", said: "connected" });
  await closed;
  await using dead = open(await deadUrl(), { type: "tcp" });
  assert.equal((await run(dead)).result, "failed");
  const clock = new ManualClock();
  await using slow = open(address.url, { type: "tcp" }, {}, clock);
  const outcome = run(slow, 1_000);
  clock.advance(1_000);
  assert.deepEqual(await outcome, { result: "timeout", said: "no connection within 1000 ms" });
});

for (const type of ["otlp", "http", "grpc", "tcp"] as const) {
  test(`${type}: a check that is cancelled says nothing`, async () => {
    await using server = await listening(createTcpServer());
    await using check = open(server.url, { type });
    const cancel = check.run(10_000, () => assert.fail("it was cancelled"));
    cancel();
    await using again = open(await deadUrl(), { type });
    assert.equal((await run(again)).result, "failed"); // whatever the first one would have said is said by now
  });
}

test("otlp: an answer that comes late is not told twice", async () => {
  await using sink = await openGrpcSink({ script: answers({ kind: "delay", ms: 100, next: { kind: "ok" } }) });
  await using check = open(sink.url, {});
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    check.run(20, ({ result }) => {
      told.push(result);
      resolve();
    });
  });
  assert.equal((await run(check)).result, "passed");
  assert.deepEqual(told, ["timeout"]);
});
