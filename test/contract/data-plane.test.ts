import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { DataPlane } from "../../src/plan/data-plane.ts";
import { requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { hung } from "../support/sinks/sink-script.ts";

/**
 * What every implementation of the port `DataPlane` does, whether it is in this process or in
 * several others: run with SIGNALBOX_TEST_WORKERS=0, 1 and 2.
 */
const TO_A = { default_pool: { targets: ["a"] } };
const TO_B = { default_pool: { targets: ["b"] } };
const SPAN = requestOf("traces", [{ name: "a span", service: "s" }]);

interface Scene {
  readonly node: TestNode;
  readonly plane: DataPlane;
  readonly a: Sink;
  readonly b: Sink;
}

/** On a plan of version 1 that sends to `a`. */
function contract(what: string, holds: (scene: Scene, t: TestContext) => Promise<void>): void {
  test(`data plane: ${what}`, async (t) => {
    await using a = await openGrpcSink();
    await using b = await openGrpcSink();
    await using node = await startTestNode(TO_A, { sinks: { a, b } });
    await holds({ node, plane: node.running.dataPlane, a, b }, t);
  });
}

async function deliver(node: TestNode): Promise<void> {
  await using sender = new OtlpSender(node);
  for (const way of ["grpc", "http"] as const) assert.ok((await sender.send(way, "traces", SPAN)).ok);
}

contract("a plan that is prepared runs when it is committed, and not before", async ({ node, plane, a, b }) => {
  const prepared = await plane.prepare(node.planOf(TO_B, 2));
  await deliver(node);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [2, 0]);
  assert.equal((await plane.status()).version, 1);
  await prepared.commit();
  await deliver(node);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [2, 2]);
  assert.equal((await plane.status()).version, 2);
});

contract("changes are serial, and each is decided once", async ({ node, plane }) => {
  const first = await plane.prepare(node.planOf(TO_B, 2));
  await assert.rejects(plane.prepare(node.planOf(TO_B, 3)), { code: "INTERNAL" });
  await first.discard();
  await assert.rejects(first.commit(), { code: "INTERNAL" });
  const second = await plane.prepare(node.planOf(TO_B, 4));
  await second.commit();
  await assert.rejects(second.discard(), { code: "INTERNAL" });
  assert.equal((await plane.status()).version, 4);
});

contract("a plan whose secrets or plugins are not there is refused, and nothing is different", async (scene) => {
  const { node, plane, a, b } = scene;
  const plan = node.planOf(TO_B, 2);
  const secret = { kind: "env", name: "UNSET_SECRET" } as const;
  const headers = [{ name: "authorization", value: { parts: [secret] } }];
  const unknown = { type: "plugin", name: "nobody", options: {} } as const;
  const broken = [
    { ...plan, targets: plan.targets.map((target) => ({ ...target, headers })) },
    { ...plan, plugins: ["/nowhere/at-all.mjs"] },
    { ...plan, pools: plan.pools.map((pool) => ({ ...pool, strategy: unknown })) },
  ];
  for (const one of broken) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- whatever it is, it is no plan that can run
    await assert.rejects(plane.prepare(one as unknown as typeof plan), (cause) => cause instanceof Error);
  }
  await deliver(node);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [2, 0]);
  const next = await plane.prepare(plan);
  await next.commit();
  assert.equal((await plane.status()).version, 2);
});

contract("its status is of the whole node", async ({ node, plane }) => {
  await deliver(node);
  const { addresses, inFlight, pools, targets } = await plane.status();
  assert.deepEqual(addresses, { otlp_grpc: node.grpc, otlp_http: node.http });
  assert.deepEqual(inFlight, { requests: 0, bytes: 0 });
  assert.deepEqual(
    pools.map((pool) => [pool.targets, pool.queuedItems, pool.usable]),
    [[["a"], 0, 1]],
  );
  assert.deepEqual(targets.map(({ id, state }) => `${id} ${state}`).toSorted(), ["a ready", "b ready"]);
  assert.deepEqual(await plane.ready(), { ready: true, reason: "" });
  assert.deepEqual(await plane.undeliverable(), []);
});

contract("what an operator wants holds until it ends, and is told", async ({ node, plane, a, b }) => {
  const both = await plane.prepare(node.planOf({ default_pool: { targets: ["a", "b"] } }, 2));
  await both.commit();
  const drain = { state: "drain", untilMs: undefined, note: "upgrade" } as const;
  assert.equal(await plane.operate("a", drain), true);
  assert.equal(await plane.operate("nobody", drain), false);
  assert.deepEqual(await plane.operatorStates(), [{ id: "a", ...drain }]);
  await deliver(node);
  await deliver(node);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [0, 4]);
  assert.equal(await plane.operate("a", { state: "ready", untilMs: undefined, note: "" }), true);
  assert.deepEqual(await plane.operatorStates(), []);
});

contract("it explains what would become of a request, and sends nothing", async ({ plane, a }) => {
  const { version, total_items: items, ...said } = await plane.explain({ signal: "traces", bytes: SPAN, maxItems: 10 });
  assert.deepEqual([version, items, said.items[0]?.place?.pool], [1, 1, "default"]);
  assert.equal(a.counts().requests, 0);
});

contract("what was counted adds up, also after the end", async ({ node, plane }) => {
  await deliver(node);
  assert.equal(await node.metric("requests"), 2);
  const before = await node.ledger();
  assert.deepEqual([before.received, before.delivered, before.queued], [2, 2, 0]);
  await plane.shutdown(5_000);
  assert.equal(await node.metric("requests"), 2);
  assert.deepEqual(await node.ledger(), before);
});

contract("a pool that is gone is leaving for as long as it holds something", async ({ node, plane, a }) => {
  const early = await plane.prepare(
    node.planOf({ pools: { early: { targets: ["a"], ack: "queued" } }, default_pool: "early" }, 2),
  );
  await early.commit();
  a.script = hung;
  await deliver(node);
  const none = await plane.prepare(node.planOf(TO_A, 3));
  await none.commit();
  const leaving = await plane.leaving();
  assert.deepEqual(
    leaving.map(({ pool, items }) => [pool, items]),
    [["early", 2]],
  );
  const report = await plane.shutdown(0);
  assert.deepEqual([report.drained, report.leftItems], [false, 2]);
  assert.deepEqual(await plane.leaving(), []);
});

contract("once it is stopped, it refuses changes, is not ready, and tells the same report", async ({ node, plane }) => {
  const pending = await plane.prepare(node.planOf(TO_B, 2));
  const stopped = plane.shutdown(5_000);
  assert.equal(plane.shutdown(0), stopped);
  assert.equal((await plane.ready()).ready, false);
  await assert.rejects(pending.commit(), { code: "SHUTDOWN" });
  await assert.rejects(plane.prepare(node.planOf(TO_B, 3)), { code: "SHUTDOWN" });
  assert.equal((await stopped).drained, true);
  assert.deepEqual(await plane.operatorStates(), []);
  for await (const event of plane.events) assert.fail(JSON.stringify(event));
});
