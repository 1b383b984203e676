import assert from "node:assert/strict";
import { test } from "node:test";
import { type GivenUp, NOTHING_GIVEN_UP } from "../../src/plan/degradation-plan.ts";
import { generateLogs } from "../support/generated.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { BOTH, leftOf, requestOf } from "../sampling/requests.ts";

const OK = { ok: true, rejected: 0, message: "", retryMs: undefined, code: 0 };

const CONFIG = `
pools: { main: { targets: [a] }, copies: { targets: [b] } }
rules: [{ id: copied, mode: copy, pool: copies }]
default_pool: main
global:
  sampling_strategies:
    - type: priority_based
      rules:
        - { priority: high, rate: 1, services: ["pay*"] }
        - { priority: low, rate: 1, services: ["debug"] }
  degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 }
`;

const given = (level: number, more: Partial<GivenUp> = {}): GivenUp => ({
  ...NOTHING_GIVEN_UP,
  level,
  lowRate: 0.5,
  why: "event_loop 0.99: node.workers",
  ...more,
});

const debug = requestOf([{ service: "debug", spans: BOTH }]);
const cart = requestOf([{ service: "cart", spans: BOTH }]);
const pay = requestOf([{ service: "pay", spans: BOTH }]);
const mixed = requestOf([
  { service: "debug", spans: BOTH },
  { service: "cart", spans: [{ name: "high" }] },
  { service: "pay", spans: BOTH },
]);
const logs = Buffer.from(
  generateLogs({ items: 3, resources: 1, services: ["pay"], seed: 1, wallMs: 1_750_000_000_000 }),
);

function left(requests: readonly { readonly body: Uint8Array }[]): string[] {
  return requests.flatMap(({ body }) => leftOf(body)).toSorted();
}

for (const workers of [0, 2]) {
  test(`a degraded node gives up one thing after the other, and takes each back, with ${workers} workers`, async () => {
    await using a = await openGrpcSink();
    await using b = await openGrpcSink();
    await using node = await startTestNode(CONFIG, { sinks: { a, b }, workers });
    const { dataPlane } = node.running;
    /** What the main target gets of these requests, and how each was answered. */
    const at = async (level: number, ...requests: readonly Uint8Array[]): Promise<unknown[]> => {
      await dataPlane.degrade(given(level));
      const [before, copiesBefore] = [a.requests.length, b.requests.length];
      await using sender = new OtlpSender(node);
      const answers: string[] = [];
      for (const bytes of requests) {
        const { ok, rejected, message, retryMs } = await sender.send("grpc", "traces", bytes);
        assert.equal(ok, retryMs === undefined, message);
        answers.push(ok ? `ok -${rejected}` : message.replace(/^.*degraded to/u, "degraded to"));
      }
      const copies = level === 0 ? left(b.requests.slice(copiesBefore)).length : b.requests.length - copiesBefore;
      return [...answers, ...left(a.requests.slice(before)), copies];
    };
    const whole = ["cart: low, high", "debug: low, high", "pay: low, high"];
    assert.deepEqual(await at(0, debug, cart, pay), ["ok -0", "ok -0", "ok -0", ...whole, 3]);
    assert.deepEqual(await at(1, debug, cart, pay), ["ok -0", "ok -0", "ok -0", ...whole, 0]);
    const lowSampled = ["cart: low, high", "debug: high ot=th:8", "pay: low, high"];
    assert.deepEqual(await at(2, debug, cart, pay), ["ok -0", "ok -0", "ok -0", ...lowSampled, 0]);
    const why = "(event_loop 0.99: node.workers): it takes";
    assert.deepEqual(await at(3, debug, mixed), [
      `degraded to level 3 ${why} nothing of low priority`,
      "ok -2",
      "cart: high",
      "pay: low, high",
      0,
    ]);
    assert.deepEqual(await at(4, cart, mixed), [
      `degraded to level 4 ${why} only what is protected`,
      "ok -3",
      "pay: low, high",
      0,
    ]);
    assert.deepEqual(await at(5, pay), [`degraded to level 5 ${why} nothing`, 0]);
    assert.deepEqual(await at(0, debug), ["ok -0", "debug: low, high", 1]);
    // Refused as a whole: 2 of debug, 2 of cart; in part: 2 and 3. Copies: 6 of level 1, and so on.
    const rows = await node.rows();
    const shed = (rule: string): number =>
      rows.filter((row) => row.rule === rule).reduce((sum, row) => sum + (row.shed["degraded"] ?? 0), 0);
    assert.deepEqual([shed("(class low)"), shed("(class normal)"), shed("copied")], [6, 3, 6 + 5 + 3 + 2]);
    assert.equal(await node.metric("admitRefusals", "degraded"), 1);
    await node.assertBalanced();
  });
}

test("what has no classes is refused from level 4 on, since nothing of it is protected", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a, b } });
  await using sender = new OtlpSender(node);
  await node.running.dataPlane.degrade(given(3));
  assert.deepEqual(await sender.send("grpc", "logs", logs), OK);
  await node.running.dataPlane.degrade(given(4));
  const { ok, retryMs } = await sender.send("http", "logs", logs);
  assert.ok(!ok && retryMs !== undefined);
  assert.equal((await node.ledger("logs")).shed, 3 + 3); // and the copies of the first
  await node.assertBalanced();
});

test("the fleet's rate is a ceiling of what is not protected, under plans and directives to come as well", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a, b } });
  await using sender = new OtlpSender(node);
  const { dataPlane } = node.running;
  await dataPlane.degrade(given(0, { unprotectedRate: 0.0625 }));
  const send = async (): Promise<string[]> => {
    const before = a.requests.length;
    for (const bytes of [cart, pay]) assert.deepEqual(await sender.send("grpc", "traces", bytes), OK);
    return left(a.requests.slice(before));
  };
  assert.deepEqual(await send(), ["cart: high ot=th:f", "pay: low, high"]);
  await node.apply(`${CONFIG}unmatched: drop\n`);
  assert.deepEqual(await send(), ["cart: high ot=th:f", "pay: low, high"]);
  await dataPlane.direct({ traces: [{ class: "normal", probability: 0.5, reason: "adaptive" }], logs: [] });
  assert.deepEqual(await send(), ["cart: high ot=th:f", "pay: low, high"]);
  await dataPlane.degrade(NOTHING_GIVEN_UP);
  assert.deepEqual(await send(), ["cart: high ot=th:8", "pay: low, high"]);
  assert.equal(await node.metric("samplingItems", "traces", "normal", "degradation", "dropped"), 3);
});

test("with sampling's dry_run nothing is sampled or refused by class; level 5 still refuses all", async () => {
  await using a = await openGrpcSink();
  const config = `
default_pool: { targets: [a] }
global:
  sampling: { dry_run: true }
  degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 }
`;
  await using node = await startTestNode(config, { sinks: { a } });
  await using sender = new OtlpSender(node);
  await node.running.dataPlane.degrade(given(4));
  assert.deepEqual(await sender.send("grpc", "traces", cart), OK);
  await node.running.dataPlane.degrade(given(5));
  assert.equal((await sender.send("grpc", "traces", cart)).ok, false);
  await node.assertBalanced();
});

test("what a degraded node refuses takes nothing of the limit of what is let in", async () => {
  await using a = await openGrpcSink();
  const config = `
default_pool: { targets: [a] }
global:
  rate_limiting: { max_qps: 1, burst_size: 1 }
  degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 }
`;
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  await node.running.dataPlane.degrade(given(4));
  for (const [signal, bytes] of [
    ["traces", cart],
    ["logs", logs],
    ["traces", cart],
  ] as const) {
    const { message } = await sender.send("grpc", signal, bytes);
    assert.match(message, /degraded to level 4/u);
  }
});
