import assert from "node:assert/strict";
import { test } from "node:test";
import { type OpenTargets, openTargets, SIGNALS, type StrategyPlan } from "../../src/index.ts";
import { requestOf } from "../support/items.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";

const CLOSED = "http://127.0.0.1:1";

/** Looks until it is so: what happens in between are real checks of real targets. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("targets are checked while they are open: who answers is ready, who does not is down", async () => {
  await using sink = await openGrpcSink();
  const check = { type: "otlp" as const, interval: "20ms", timeout: "1s", fall: 2 };
  await using targets = await openTargets([
    { id: "up", endpoint: sink.url, health_check: check },
    { id: "gone", endpoint: CLOSED, health_check: check },
  ]);
  await until(() => targets.status("gone")?.state === "down" && targets.status("up")?.check !== undefined);
  const told = targets.statuses.map(({ id, state, reason, check: last }) => [id, state, reason, last?.result]);
  assert.deepEqual(told, [
    ["up", "ready", "started", "passed"],
    ["gone", "down", "check_failed", "failed"],
  ]);
  const balancer = targets.balancer({ type: "round_robin" });
  assert.deepEqual([balancer.next(), balancer.next(), balancer.next()], ["up", "up", "up"]);
});

test("with checks off only what is sent tells, and it does", async () => {
  await using sink = await openGrpcSink();
  await using targets = await openTargets(
    [
      { id: "up", endpoint: sink.url },
      { id: "gone", endpoint: CLOSED, ejection: { failures: 2 } },
    ],
    { checks: "off" },
  );
  for (const signal of SIGNALS) {
    const bytes = requestOf(signal, [{ name: "n", service: "s" }]);
    assert.equal((await targets.send("up", signal, bytes)).kind, "accepted");
    assert.equal((await targets.send("gone", signal, bytes)).kind, "retry");
  }
  assert.equal(sink.requests.length, 3);
  assert.ok((targets.status("up")?.latencyMs ?? 0) > 0);
  assert.equal(targets.status("gone")?.state, "ejected");
  assert.equal(targets.status("gone")?.check, undefined);
});

test("who is unknown, and what is no request, is a TypeError", async () => {
  await using targets = await openTargets([{ id: "a", endpoint: CLOSED }], { checks: "off" });
  await assert.rejects(targets.send("b", "traces", new Uint8Array(0)), TypeError);
  await assert.rejects(targets.send("a", "traces", Uint8Array.of(255)), TypeError);
  assert.throws(() => targets.balancer({ type: "round_robin" }, { ids: ["b"] }), TypeError);
  assert.equal(targets.status("b"), undefined);
});

async function openThree(): Promise<OpenTargets> {
  const three = [
    { id: "a", endpoint: CLOSED, weight: 50, region: "us" },
    { id: "b", endpoint: CLOSED, weight: 30, region: "eu" },
    { id: "c", endpoint: CLOSED, weight: 20, region: "default" },
  ];
  return openTargets(three, { checks: "off" });
}

const PICKS: readonly { name: string; strategy: StrategyPlan; want: string }[] = [
  { name: "round robin in turn", strategy: { type: "round_robin" }, want: "abcabc" },
  { name: "weighted round robin by weight", strategy: { type: "weighted_round_robin" }, want: "abcaabacba" },
  { name: "failover the first", strategy: { type: "failover", returnAfterMs: 0 }, want: "aaa" },
  { name: "geography the region", strategy: { type: "geography", region: "eu", order: [] }, want: "bbb" },
  { name: "geography the default one", strategy: { type: "geography", region: "asia", order: [] }, want: "ccc" },
];

for (const { name, strategy, want } of PICKS) {
  test(`a balancer picks: ${name}`, async () => {
    await using targets = await openThree();
    const balancer = targets.balancer(strategy);
    assert.deepEqual(balancer.targets, ["a", "b", "c"]);
    assert.equal(Array.from(want, () => balancer.next()).join(""), want);
  });
}

test("a balancer honours operators, leaves one out if asked to, and previews without a trace", async () => {
  await using targets = await openThree();
  const balancer = targets.balancer({ type: "failover", returnAfterMs: 0 });
  assert.equal(balancer.next({ items: 1, bytes: 10 }, "a"), "b");
  targets.operate("a", { state: "maintenance", untilMs: undefined, note: "disk" });
  assert.deepEqual(balancer.preview(), { kind: "pick", index: 1 });
  assert.equal(balancer.next(), "b");
  assert.equal(targets.status("a")?.note, "disk");
  for (const id of ["b", "c"]) targets.operate(id, { state: "drain", untilMs: undefined, note: "" });
  assert.equal(balancer.next(), undefined);
});

test("strategies that divide items before a target is picked need a router", async () => {
  await using targets = await openThree();
  assert.throws(() => targets.balancer({ type: "broadcast" }), /needs a router/u);
  assert.throws(() => targets.balancer({ type: "consistent_hash", key: { from: "trace_id" } }), /needs a router/u);
});
