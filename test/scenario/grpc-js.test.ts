import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { decodeResponse } from "../support/oracle/oracle.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { hung } from "../support/sinks/sink-script.ts";
import { until } from "./fault-sender.ts";
import { type CallEnd, GrpcJsClient } from "./grpc-js-client.ts";

const TRACES = SIGNAL_FACTS.traces.grpcPath;
const SPAN = requestOf("traces", [{ name: "one" }]);

test("grpc-js: Export of each signal succeeds with an empty response, many on one channel", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  for (const signal of SIGNALS) {
    const names = Array.from({ length: 100 }, (_, i) => `${signal} ${i}`);
    const calls = names.map((name) => client.call(SIGNAL_FACTS[signal].grpcPath, requestOf(signal, [{ name }])));
    for (const { code, message } of await Promise.all(calls)) assert.deepEqual([code, message?.length], [GRPC.OK, 0]);
    const got = namesIn(sink.requests.filter((request) => request.signal === signal));
    assert.deepEqual(got.toSorted(), names.toSorted());
  }
});

test("grpc-js: a target's partial success is told, with its count and its message", async () => {
  await using sink = await openGrpcSink({ script: () => ({ kind: "partial", rejected: 1, message: "too old" }) });
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  const { code, message } = await client.call(TRACES, requestOf("traces", [{ name: "old" }, { name: "new" }]));
  assert.equal(code, GRPC.OK);
  assert.deepEqual(decodeResponse("traces", message!), {
    partialSuccess: { rejectedSpans: "1", errorMessage: "too old" },
  });
});

test("grpc-js: a deadline ends the call, and what it held is given back", async () => {
  await using sink = await openGrpcSink({ script: hung });
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  const { code } = await client.call(TRACES, SPAN, { deadlineMs: 300 });
  assert.equal(code, GRPC.DEADLINE_EXCEEDED);
  await until(async () => (await node.ledger()).shed === 1); // the client's own clock may have ended it first
  await settled(node);
});

test("grpc-js: a cancelled call is forgotten by the node as soon as nobody has its bytes", async () => {
  await using sink = await openGrpcSink({ script: hung });
  await using node = await startTestNode({ targets: [{ id: "a", timeout: "500ms" }] }, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  const call = client.start(TRACES, SPAN);
  await sink.until(({ requests }) => requests >= 1);
  call.cancel();
  assert.equal((await call.end).code, GRPC.CANCELLED);
  await settled(node);
  assert.equal(sink.counts().requests, 1);
});

const refusals = [
  { name: "nowhere to send to", config: {}, code: GRPC.UNAVAILABLE, text: /nothing is configured/u },
  {
    name: "a target that does not answer",
    config: {
      targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
      default_pool: { targets: ["a"], retry: { max_retries: 0 } },
    },
    code: GRPC.UNAVAILABLE,
    text: /target|connect/iu,
  },
] as const;
for (const { name, config, code, text } of refusals) {
  test(`grpc-js: ${name} is an error that may be retried, with RetryInfo`, async () => {
    await using node = await startTestNode(config);
    using client = new GrpcJsClient(node.grpc);
    const end = await client.call(TRACES, SPAN);
    assert.equal(end.code, code, end.text);
    assert.match(end.text, text);
    assert.ok(retryDelayMs(end) > 0);
    assert.equal(end.details?.["code"], code);
    assert.equal(end.details["message"], end.text);
  });
}

test("grpc-js: a queue that is full is an error that may be retried; a request that it could never hold is none", async () => {
  await using sink = await openGrpcSink({ script: hung });
  const pool = { targets: ["a"], queue: { max_bytes: SPAN.length } };
  const config = { targets: [{ id: "a", timeout: "500ms" }], default_pool: pool };
  await using node = await startTestNode(config, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  const first = client.start(TRACES, SPAN);
  await sink.until(({ requests }) => requests >= 1);
  const full = await client.call(TRACES, SPAN);
  assert.match(full.text, /queue is full/u);
  assert.deepEqual([full.code, retryDelayMs(full) > 0], [GRPC.RESOURCE_EXHAUSTED, true]);
  const never = await client.call(TRACES, Buffer.concat([SPAN, SPAN]));
  assert.match(never.text, /never fit into its queue/u);
  assert.deepEqual([never.code, detailsOf(never).length], [GRPC.RESOURCE_EXHAUSTED, 0]);
  first.cancel();
  await first.end;
  await settled(node);
});

test("grpc-js: bad data is INVALID_ARGUMENT with BadRequest and without RetryInfo", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  const end = await client.call(TRACES, Buffer.from("0aff", "hex"));
  assert.equal(end.code, GRPC.INVALID_ARGUMENT);
  const types = detailsOf(end).map(({ typeUrl }) => typeUrl);
  assert.deepEqual(types, ["type.googleapis.com/google.rpc.BadRequest"]);
});

test("grpc-js: services and methods that OTLP does not have are UNIMPLEMENTED", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  using client = new GrpcJsClient(node.grpc);
  const service = TRACES.slice(0, TRACES.lastIndexOf("/"));
  for (const path of ["/some.Service/Call", `${service}/Import`, `${service}/export`, "/"]) {
    const { code, details } = await client.call(path, SPAN);
    assert.equal(code, GRPC.UNIMPLEMENTED, path);
    assert.ok(details !== undefined);
  }
  assert.equal((await client.call(TRACES, SPAN)).code, GRPC.OK);
});

test("grpc-js: the health service says whether something could be delivered", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  await using idle = await startTestNode({});
  using client = new GrpcJsClient(node.grpc);
  using other = new GrpcJsClient(idle.grpc);
  const [serving, notServing] = ["0801", "0802"];
  for (const service of ["", "opentelemetry.proto.collector.trace.v1.TraceService"]) {
    assert.equal((await client.call(HEALTH, healthCheck(service))).message?.toString("hex"), serving);
    assert.equal((await other.call(HEALTH, healthCheck(service))).message?.toString("hex"), notServing);
  }
  assert.equal((await client.call(HEALTH, healthCheck("some.Service"))).code, GRPC.NOT_FOUND);
});

const HEALTH = "/grpc.health.v1.Health/Check";

/** grpc.health.v1.HealthCheckRequest: service = 1. */
function healthCheck(service: string): Buffer {
  return service === "" ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
}

interface Detail {
  readonly typeUrl: string;
  readonly value: { readonly retryDelay?: { readonly seconds?: string; readonly nanos?: number } };
}

function detailsOf({ details }: CallEnd): readonly Detail[] {
  return (details?.["details"] ?? []) as unknown as readonly Detail[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as the oracle decodes them
}

/** Of RetryInfo; 0 without one. */
function retryDelayMs(end: CallEnd): number {
  const info = detailsOf(end).find(({ typeUrl }) => typeUrl === "type.googleapis.com/google.rpc.RetryInfo");
  const { seconds = "0", nanos = 0 } = info?.value.retryDelay ?? {};
  return Number(seconds) * 1_000 + nanos / 1_000_000;
}

/** Resolves when the node holds nothing any more. */
async function settled(node: TestNode): Promise<void> {
  while ((await node.inFlight()).requests > 0 || (await node.ledger()).queued > 0) await turn();
}
