import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../../../test/support/node.ts";
import { openGrpcSink } from "../../../test/support/sinks/grpc-sink.ts";
import type { Sink } from "../../../test/support/sinks/sink.ts";
import { systemClock } from "../../core/clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { CheckOutcome } from "../../data/health/check.ts";
import { bindPlan } from "../../plan/bind.ts";
import { compile } from "../../plan/compile.ts";
import type { Plan } from "../../plan/plan.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { textSource } from "../config-source.ts";
import { NodeChecks } from "./node-checks.ts";

function planOf(check: object | false, sink: Sink): Promise<Plan> {
  const targets = [{ id: "a", endpoint: "http://127.0.0.1:1", health_check: check }];
  const text = completeConfig({ targets, default_pool: { targets: ["a"] } }, { a: sink });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  return bindPlan(compile(config, config.node, { version: 1, text }), { env: {} });
}

function checksOf(plan: Plan): NodeChecks {
  const log = createLog({ clock: systemClock, write: () => undefined, level: "error", format: "json", colour: false });
  const counts = { metrics: createMetrics(), ledger: createLedger() };
  return new NodeChecks(plan, { clock: systemClock, random: seededRandom(1), log, ...counts });
}

function run(checks: NodeChecks, maxAgeMs: number): Promise<CheckOutcome> {
  return new Promise((resolve) => checks.run({ target: "a", address: undefined, maxAgeMs }, resolve));
}

test("who asks at the same time, or soon after, is told of one check; who wants a new one gets it", async () => {
  await using sink = await openGrpcSink();
  await using checks = checksOf(await planOf({ interval: "10s" }, sink));
  const outcomes = await Promise.all([run(checks, 0), run(checks, 0), run(checks, 5_000)]);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ["passed", "passed", "passed"],
  );
  assert.equal(sink.checks.length, 1);
  await run(checks, 3_600_000);
  assert.equal(sink.checks.length, 1);
  await run(checks, 0);
  assert.equal(sink.checks.length, 2);
});

test("who waits for a check that another plan makes anew is told what the new one finds", async () => {
  const held = Promise.withResolvers<void>();
  await using sink = await openGrpcSink({
    script: () => ({ kind: "held", until: held.promise, next: { kind: "ok" } }),
  });
  await using checks = checksOf(await planOf({ interval: "10s", timeout: "60s" }, sink));
  const waiting = run(checks, 0);
  await sink.until(() => sink.checks.length === 1);
  checks.adopt(await planOf({ interval: "20s", timeout: "60s" }, sink));
  await sink.until(() => sink.checks.length === 2);
  held.resolve();
  assert.equal((await waiting).result, "passed");
});

test("of a target that is gone, or has no check any more, nobody is told, and nothing is left open", async () => {
  await using sink = await openGrpcSink();
  await using checks = checksOf(await planOf({ interval: "10s" }, sink));
  await run(checks, 0);
  checks.adopt(await planOf(false, sink));
  checks.run({ target: "b", address: undefined, maxAgeMs: 0 }, () => assert.fail("there is none"));
  await sink.until(({ openConnections }) => openConnections === 0);
});
