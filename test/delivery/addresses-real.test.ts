import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { TargetHandle } from "../../src/data/export/target-port.ts";
import { openTargets } from "../../src/data/export/targets.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { targetPlan } from "./pool-rig.ts";
import { batchOf, summary } from "./send.ts";

const OPEN = { grpc: openGrpcSink, "http/protobuf": openHttpSink };
const [A, B, C] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

function send(target: TargetHandle): Promise<SendOutcome> {
  return new Promise((resolve) => {
    target.send(batchOf(), { timeoutMs: 30_000, cut: false }, () => false, resolve);
  });
}

for (const protocol of ["grpc", "http/protobuf"] as const) {
  test(`${protocol}: one name, three addresses of this machine: each gets its part, and one that is killed takes no other along`, async () => {
    await using first = await OPEN[protocol]({ host: A });
    const { port } = first;
    await using second = await OPEN[protocol]({ host: B, port });
    await using third = await OPEN[protocol]({ host: C, port });
    const sinks = [first, second, third];
    const counts = (): number[] => sinks.map((sink) => sink.counts().requests);
    const resolver = new ScriptedResolver();
    const env = { clock: systemClock, random: seededRandom(1), metrics: createMetrics() };
    const plan = targetPlan("t", { url: `http://tempo.invalid:${port}`, protocol, resolve: "auto" });
    await using targets = openTargets(new Map([["t", plan]]), {
      ...env,
      openClient: (current) => openClient(current, env),
      resolver,
    });
    const target = targets.all.get("t")!;
    resolver.find([A, B, C]);
    for (let i = 0; i < 9; i++) assert.equal(summary(await send(target)), "accepted 0");
    assert.deepEqual(counts(), [3, 3, 3]);

    // A call that meets nobody at the third one says so.
    await third.kill();
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => send(target)));
    const delivered = outcomes.filter(({ kind }) => kind === "accepted").length;
    assert.equal(delivered, counts().reduce((sum, count) => sum + count, 0) - 9);
    assert.ok(outcomes.every((outcome) => outcome.kind === "accepted" || outcome.kind === "retry"));
    assert.equal(target.inFlight, 0);
    await turn();
  });
}
