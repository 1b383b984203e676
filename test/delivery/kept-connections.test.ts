import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import type { Batch } from "../../src/data/export/target-client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { openTarget } from "../../src/data/export/target.ts";
import { openCheck } from "../../src/data/health/checks/open-check.ts";
import type { CheckPlan } from "../../src/plan/target-health.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { openRelay } from "../support/relay.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { endOf, ends, failing, PoolRig, targetPlan, TEST_CONNECTION } from "./pool-rig.ts";
import { batchOf, summary } from "./send.ts";

const VARIANTS = [
  { name: "gRPC, own", protocol: "grpc", transport: "own" },
  { name: "gRPC, node", protocol: "grpc", transport: "node" },
  { name: "HTTP", protocol: "http/protobuf", transport: "own" },
] as const;

type Variant = (typeof VARIANTS)[number];

const CHECK: CheckPlan = {
  type: "otlp",
  url: "",
  intervalMs: 10_000,
  timeoutMs: 5_000,
  fall: 3,
  rise: 2,
  path: "/",
  service: "",
  connection: TEST_CONNECTION,
  headers: {},
  written: true,
};

/** A target behind something that can break connections. */
async function open({ protocol, transport }: Variant) {
  const sink = protocol === "grpc" ? await openGrpcSink() : await openHttpSink();
  const relay = await openRelay(Number(new URL(sink.url).port));
  const metrics = createMetrics();
  const plan = targetPlan("t", { url: `http://127.0.0.1:${relay.port}`, protocol, transport });
  const env = { clock: systemClock, random: seededRandom(1), metrics };
  const target = openTarget(plan, (current) => openClient(current, env), env);
  const send = (batch: Batch = batchOf()): Promise<SendOutcome> =>
    new Promise((resolve) => {
      target.send(batch, { timeoutMs: 10_000, cut: false }, () => false, resolve);
    });
  const counted = (outcome: string): number => metrics.exportSends.with("t", outcome).value;
  return {
    relay,
    target,
    send,
    counted,
    sink,
    env,
    plan,
    async [Symbol.asyncDispose]() {
      await target.retire();
      await relay[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}

for (const variant of VARIANTS) {
  for (const how of ["resets", "ends"] as const) {
    test(`${variant.name}: a kept connection that ${how} with the next call is stale, and no failure`, async () => {
      await using rig = await open(variant);
      assert.equal(summary(await rig.send()), "accepted 0");
      for (let times = 1; times <= 8; times++) {
        const { connections } = rig.relay;
        for (let i = 0; i < 3; i++) await turn(); // the call before has given its connection back
        rig.relay[how] = 1;
        assert.equal(summary(await rig.send()), "retry stale");
        assert.equal(summary(await rig.send({ ...batchOf(), again: true })), "accepted 0");
        assert.ok(rig.relay.connections > connections, "sent again on a new one");
        assert.equal(rig.counted("stale"), times);
      }
      assert.deepEqual([rig.target.health().state, rig.target.errorRate, rig.counted("reset")], ["ready", 0, 0]);
      assert.equal(rig.sink.counts().requests, 9);
    });
  }

  test(`${variant.name}: on a connection of its own, or the second time, a reset is one`, async () => {
    await using rig = await open(variant);
    rig.relay.resets = 1;
    const first = await rig.send();
    assert.match(summary(first), /^retry (reset|connect)$/u);
    assert.equal(rig.counted("stale"), 0);
    while (summary(await rig.send()) !== "accepted 0"); // one that fails at once waits for nothing
    rig.relay.resets = 1;
    assert.equal(summary(await rig.send({ ...batchOf(), again: true })), "retry reset");
    assert.ok(rig.target.errorRate > 0);
  });

  test(`${variant.name}: all idle connections go with one that was stale`, async () => {
    await using rig = await open(variant);
    await Promise.all([rig.send(), rig.send(), rig.send(), rig.send()]);
    await rig.send();
    await turn();
    const before = rig.relay.connections;
    rig.relay.resets = 1;
    assert.equal(summary(await rig.send()), "retry stale");
    assert.equal(summary(await rig.send()), "accepted 0");
    assert.equal(rig.relay.connections, before + 1);
  });

  test(`${variant.name}: an empty export as a check is sent again by itself`, async () => {
    await using rig = await open(variant);
    const client = openClient(() => rig.plan, rig.env);
    await using opened = openCheck({ ...CHECK, url: rig.plan.url }, () => rig.plan, client, rig.env);
    const run = (): Promise<string> => new Promise((resolve) => opened.run(5_000, ({ result }) => resolve(result)));
    assert.equal(await run(), "passed");
    await turn();
    rig.relay.resets = 1;
    assert.equal(await run(), "passed");
    await client[Symbol.asyncDispose]();
  });
}

test("what was stale goes out again at once, by the budget, once for each parcel", () => {
  const rig = new PoolRig();
  const [one] = rig.offer();
  rig.answer(failing("stale"));
  assert.equal(rig.underWay, "a:A", "without a backoff");
  assert.equal(rig.calls[0]!.batch.again, true);
  rig.answer(failing("stale"));
  assert.equal(rig.underWay, "", "a failure like any other");
  assert.equal(rig.metrics.exportSends.with("a", "reset").value, 1);
  rig.pass(100);
  rig.answer();
  assert.equal(endOf(one!).kind, "delivered");
  const retries = ["stale", "reset"].map((reason) => rig.metrics.poolRetries.with("p", reason).value);
  assert.deepEqual(retries, [1, 1]);
});

test("each is charged to the retry budget: without it, what was stale fails where somebody waits", () => {
  const rig = new PoolRig(["a"], { retry: { initialMs: 100, maxMs: 5_000, maxRetries: undefined, budget: 0 } });
  const stale = (): string => {
    const offered = rig.offer(1, { deadlineMs: 60_000 });
    rig.answer(failing("stale"));
    rig.answerAll();
    return ends(offered);
  };
  for (let times = 0; times < 100; times++) assert.equal(stale(), "delivered");
  assert.equal(stale(), "target_failed");
  assert.equal(rig.targets.get("a")!.health().state, "ready");
});
