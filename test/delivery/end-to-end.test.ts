import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { OWN_MEMORY } from "../../src/core/arena/extent.ts";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import { openTargets } from "../../src/data/export/targets.ts";
import { createRepartitioner } from "../../src/data/route/repartition.ts";
import { NO_LOSSES } from "../../src/data/queue/losses.ts";
import type { ParcelOutcome } from "../../src/data/queue/parcel.ts";
import { openPool } from "../../src/data/queue/pool.ts";
import type { Pool } from "../../src/data/queue/pool-port.ts";
import type { PoolPlan, TargetPlan } from "../../src/plan/plan.ts";
import { Records } from "../../src/data/queue/records.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { hung } from "../support/sinks/sink-script.ts";
import { CALLS_ALONE, poolPlan, targetPlan } from "./pool-rig.ts";
import { TWO_SPANS } from "./send.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";

interface Scene extends AsyncDisposable {
  readonly pool: Pool;
  send(): Promise<ParcelOutcome>;
}

function openScene(plans: readonly TargetPlan[], more: Partial<PoolPlan> = {}): Scene {
  const env = { clock: systemClock, random: seededRandom(1), metrics: createMetrics() };
  const targets = openTargets(new Map(plans.map((plan) => [plan.id, plan])), {
    ...env,
    openClient: (current) => openClient(current, env),
  });
  const handles = plans.map(({ id }) => targets.all.get(id)!);
  const records = new Records({ ledger: createLedger(), losses: NO_LOSSES });
  const pool = openPool(poolPlan(more), handles, {
    ...env,
    region: "r",
    schedule: setImmediate,
    records,
    splitter: { split: () => undefined },
    repartitioner: createRepartitioner(env.metrics),
    pools: { poolNamed: () => undefined },
  });
  const send = (): Promise<ParcelOutcome> =>
    new Promise((settle) => {
      const nowMs = systemClock.nowMs();
      const facts = {
        signal: "traces",
        region: "",
        headers: NO_HEADERS,
        ack: "delivered",
        bytes: 12,
        owner: OWN_MEMORY,
        items: 2,
        points: 2,
        shares: [],
        enqueuedMs: nowMs,
        expiresMs: nowMs + 20_000,
      } as const;
      const receipt = { cancelled: false, expect: () => undefined, settled: settle };
      const parcel = records.add(facts, TWO_SPANS, OWN_MEMORY, receipt);
      assert.equal(pool.offer(parcel), "accepted");
    });
  const close = async (): Promise<void> => {
    await pool[Symbol.asyncDispose]();
    await targets[Symbol.asyncDispose]();
  };
  return { pool, send, [Symbol.asyncDispose]: close };
}

test("a gRPC and an HTTP target share a pool in turn, and what arrives together leaves together", async () => {
  await using grpc = await openGrpcSink();
  await using http = await openHttpSink();
  const plans = [targetPlan("g", { url: grpc.url }), targetPlan("h", { url: http.url, protocol: "http/protobuf" })];
  await using scene = openScene(plans);
  for (let i = 0; i < 10; i++) {
    const outcomes = await Promise.all([scene.send(), scene.send(), scene.send()]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["delivered", "delivered", "delivered"],
    );
  }
  for (const sink of [grpc, http])
    assert.deepEqual(
      sink.requests.map(({ items }) => items),
      [6, 6, 6, 6, 6],
    );
});

test("failover: a primary that is killed loses nothing, and gets the traffic back after return_after", async () => {
  await using primary = await openGrpcSink();
  await using standby = await openGrpcSink();
  const ejection = { ...CALLS_ALONE.ejection, restMs: 200, maxRestMs: 1_000 };
  const quick = { ...CALLS_ALONE, ejection, slowStartMs: 200 };
  const plans = [targetPlan("a", { url: primary.url, health: quick }), targetPlan("b", { url: standby.url })];
  await using scene = openScene(plans, { strategy: { type: "failover", returnAfterMs: 50 } });
  assert.equal((await scene.send()).kind, "delivered");
  assert.deepEqual([primary.counts().requests, standby.counts().requests], [1, 0]);
  await primary.kill();
  const outcomes = await Promise.all(
    Array.from({ length: 30 }, async () => {
      await turn();
      return scene.send();
    }),
  );
  assert.ok(outcomes.every(({ kind }) => kind === "delivered"));
  await primary.start();
  const before = primary.counts().requests;
  while (primary.counts().requests < before + 5) {
    assert.equal((await scene.send()).kind, "delivered");
    await turn();
  }
  assert.equal(scene.pool.heldBytes, 0);
});

test("a target that hangs does not slow the other down", async () => {
  await using slow = await openGrpcSink({ script: hung });
  await using fast = await openGrpcSink();
  await using scene = openScene([targetPlan("a", { url: slow.url }), targetPlan("b", { url: fast.url })]);
  const outcomes: ParcelOutcome[] = [];
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < 200; i++) {
    sends.push(scene.send().then((outcome) => outcomes.push(outcome)));
    await turn();
  }
  while (outcomes.length < 200 - 4) await turn();
  assert.ok(slow.counts().requests <= 4);
  await slow.kill();
  await Promise.all(sends);
  assert.ok(outcomes.every(({ kind }) => kind === "delivered"));
});
