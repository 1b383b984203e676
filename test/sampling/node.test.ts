import assert from "node:assert/strict";
import { test } from "node:test";
import type { SamplingState } from "../../src/plan/sampling-plan.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { refusing } from "../support/sinks/sink-script.ts";
import { BOTH, leftOf, requestOf } from "./requests.ts";

const SUCCESS = { ok: true, rejected: 0, message: "", retryMs: undefined };
const GRPC_OK = { ...SUCCESS, code: 0 };

const CONFIG = `
default_pool: { targets: [a] }
global:
  sampling_rate: 0.5
  sampling_strategies:
    - { type: priority_based, rules: [{ priority: high, rate: 1, services: ["pay*"] }] }
`;

/** Of all that the sink got, in order. */
function left(requests: readonly { readonly body: Uint8Array }[]): string[] {
  return requests.flatMap(({ body }) => leftOf(body));
}

test("a node samples by itself: what is dropped is a success, what is kept is told, and the ledger knows of both", async () => {
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  await using sender = new OtlpSender(node);
  const some = requestOf([
    { service: "cart", spans: BOTH },
    { service: "payment", spans: BOTH },
  ]);
  const none = requestOf([{ service: "cart", spans: [{ name: "low" }] }]);
  assert.deepEqual(await sender.send("grpc", "traces", some), GRPC_OK);
  assert.deepEqual(await sender.send("http", "traces", none), { ...SUCCESS, code: 200 });
  assert.deepEqual(await sender.send("http", "traces", some), { ...SUCCESS, code: 200 });
  const once = ["cart: high ot=th:8", "payment: low, high"];
  assert.deepEqual(left(a.requests), [...once, ...once]);
  const { received, delivered, dropped } = await node.ledger("traces");
  assert.deepEqual([received, delivered, dropped], [9, 6, 3]);
  assert.equal(await node.metric("samplingItems", "traces", "normal", "sampling_rate", "dropped"), 3);
  assert.equal(await node.metric("samplingItems", "traces", "normal", undefined, "marked"), 2);
  assert.equal(await node.metric("requests", undefined, "cart"), 3);
  await node.assertBalanced();
});

test("a node refuses what it cannot deliver as a whole: what sampling would have dropped of it is shed, not dropped", async () => {
  await using a = await openGrpcSink();
  const full = `${CONFIG}pools: { small: { targets: [a], queue: { max_bytes: 1 } } }\nrules: [{ id: r, pool: small }]\n`;
  await using node = await startTestNode(full, { sinks: { a } });
  await using sender = new OtlpSender(node);
  const { ok } = await sender.send("grpc", "traces", requestOf([{ service: "cart", spans: BOTH }]));
  assert.equal(ok, false);
  const { received, dropped, shed } = await node.ledger("traces");
  assert.deepEqual([received, dropped, shed], [2, 0, 2]);
});

test("a node tells its sender of a span that cannot be read, and keeps nothing of the request", async () => {
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  await using sender = new OtlpSender(node);
  const bytes = Buffer.from(requestOf([{ service: "cart", spans: [{ name: "high" }] }]));
  bytes[bytes.indexOf("high") - 1] = 5; // the name's length goes beyond the span
  const { ok, message } = await sender.send("http", "traces", bytes);
  assert.equal(ok, false);
  assert.match(message, /the item at byte \d+ is malformed/u);
});

test("what a target refuses of what was kept is told to the sender, as ever", async () => {
  await using a = await openGrpcSink({ script: refusing(3, { message: "no" }) });
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  await using sender = new OtlpSender(node);
  const { ok, message } = await sender.send("grpc", "traces", requestOf([{ service: "cart", spans: BOTH }]));
  assert.equal(ok, false);
  assert.match(message, /no/u);
});

for (const workers of [0, 2]) {
  test(`a directive holds from the next request on, and under the next plan, with ${workers} workers`, async () => {
    await using a = await openGrpcSink();
    await using node = await startTestNode(CONFIG, { sinks: { a }, workers });
    const { dataPlane } = node.running;
    const bytes = requestOf([{ service: "cart", spans: BOTH }]);
    const directive = (probability: number): SamplingState => ({
      traces: [{ class: "normal", probability, reason: "adaptive" }],
      logs: [],
    });
    const send = async (): Promise<void> => {
      await using sender = new OtlpSender(node);
      assert.deepEqual(await sender.send("grpc", "traces", bytes), GRPC_OK);
    };
    await dataPlane.direct(directive(0.25));
    await send();
    await node.apply(`${CONFIG}unmatched: drop\n`);
    await send();
    await dataPlane.direct(directive(1));
    await send();
    assert.deepEqual(left(a.requests), ["cart: high ot=th:c", "cart: high ot=th:c", "cart: low, high"]);
  });
}

test("a node that has nothing to deliver to drops nothing: senders keep all that they have", async () => {
  await using node = await startTestNode("targets: []\nglobal: { sampling_rate: 0 }\n");
  await using sender = new OtlpSender(node);
  const low = requestOf([{ service: "cart", spans: [{ name: "low" }] }]);
  assert.equal((await sender.send("grpc", "traces", low)).ok, false);
});

test("what may be kept until more is told holds for all that comes in between, by the guard of the node", async () => {
  await using a = await openGrpcSink();
  const config =
    "default_pool: { targets: [a] }\nglobal: { sampling_strategies: [{ type: adaptive, min_rate: 0, max_rate: 1, target_qps: 1000000 }] }\n";
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  const spans = Array.from(
    { length: 100 },
    (_, i) =>
      ({ name: "high", state: `ot=rv:${(2 * i + 16).toString(16).padStart(2, "0")}${"0".repeat(12)}` }) as const,
  );
  const bytes = requestOf([{ service: "cart", spans }]);
  const send = async (): Promise<number> => {
    const before = a.requests.length;
    for (let i = 0; i < 3; i++) assert.deepEqual(await sender.send("grpc", "traces", bytes), GRPC_OK);
    return left(a.requests.slice(before)).join().split("high").length - 1;
  };
  const told = { traces: [{ class: "normal", probability: 1, reason: "adaptive" }], logs: [] } as const;
  const { dataPlane } = node.running;
  await dataPlane.direct(told);
  assert.equal(await send(), 300);
  await dataPlane.direct({ ...told, bound: { keptPerSecond: 100, highestRate: 1 } });
  assert.ok((await send()) < 300);
  await dataPlane.direct(told);
  assert.equal(await send(), 300);
});
