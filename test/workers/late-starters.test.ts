import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING_GIVEN_UP } from "../../src/plan/degradation-plan.ts";
import { requestOf } from "../sampling/requests.ts";
import { Sender } from "../scenario/fault-sender.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, isReady, startWorkers } from "./worker-node.ts";

const POOL = { default_pool: { targets: ["a"] } };

test("workers: who starts between the two halves of a change, with the plan of before, follows it, of whatever version", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a, b });
  const { dataPlane } = node.running;
  const [, second] = await node.pids();
  // As a fleet's node makes it anew, without another version.
  const plan = node.planOf({ node: { workers: 2 }, default_pool: { targets: ["b"] } }, 1);
  const prepared = await dataPlane.prepare(plan);
  process.kill(second!, "SIGKILL");
  await eventually(async () => (await node.workers())[1]?.restarts === 1 && (await isReady(node)));
  await prepared.commit();
  const senders = [1, 2].map((source) => new Sender({ via: "grpc", address: node.grpc, source, service: "s" }));
  for (const one of senders) await one.sendOne();
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [0, 10]);
  for (const one of senders) await one[Symbol.asyncDispose]();
});

test("workers: an override that is taken back while a worker starts does not hold in it", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startWorkers(1, { default_pool: { targets: ["a", "b"] } }, { a, b });
  const { dataPlane } = node.running;
  await dataPlane.operate("a", { state: "drain", untilMs: undefined, note: "" });
  const [pid] = await node.pids();
  process.kill(pid!, "SIGKILL");
  // The one in its place is there, and was told how to start.
  await eventually(async () => {
    const [worker] = await node.workers();
    return worker?.pid !== undefined && worker.pid !== pid && !worker.ready;
  });
  await dataPlane.operate("a", { state: "ready", untilMs: undefined, note: "" });
  await eventually(() => isReady(node));
  const status = (await dataPlane.status()).targets.find(({ id }) => id === "a");
  assert.equal(status?.state, "ready");
});

test("workers: one that hangs does not keep the node from saying that it is ready", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a });
  const { dataPlane } = node.running;
  const [first] = await node.pids();
  process.kill(first!, "SIGSTOP");
  try {
    const order: string[] = [];
    const all = dataPlane.status().then(() => order.push("all")); // waits for the one that hangs
    assert.equal((await dataPlane.ready()).ready, true);
    order.push("ready");
    await all;
    assert.deepEqual(order, ["ready", "all"]);
  } finally {
    process.kill(first!, "SIGCONT");
  }
});

test("workers: one that starts gives up what the node does, also what was told while it was starting", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(1, POOL, { a });
  const { dataPlane } = node.running;
  const giveUp = (level: number, why: string): Promise<void> => dataPlane.degrade({ ...NOTHING_GIVEN_UP, level, why });
  const answer = async (): Promise<string> => {
    await using sender = new OtlpSender(node);
    return (await sender.send("grpc", "traces", new Uint8Array())).message;
  };
  await giveUp(5, "before");
  const [first] = await node.pids();
  process.kill(first!, "SIGKILL");
  await eventually(async () => (await node.workers())[0]?.restarts === 1 && (await isReady(node)));
  assert.match(await answer(), /degraded to level 5 \(before\)/u);
  const [second] = await node.pids();
  process.kill(second!, "SIGKILL");
  await eventually(async () => {
    const [worker] = await node.workers();
    return worker?.pid !== undefined && worker.pid !== second && !worker.ready;
  });
  await giveUp(5, "meanwhile");
  await eventually(() => isReady(node));
  assert.match(await answer(), /degraded to level 5 \(meanwhile\)/u);
});

test("workers: one that starts samples as the node was told, also while it was starting", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(1, { ...POOL, global: { sampling_rate: 0.5 } }, { a });
  const { dataPlane } = node.running;
  const direct = (probability: number): Promise<void> =>
    dataPlane.direct({ traces: [{ class: "normal", probability, reason: "adaptive" }], logs: [] });
  const bytes = requestOf([{ service: "cart", spans: [{ name: "high" }] }]);
  const kept = async (): Promise<unknown> => {
    const { items } = await dataPlane.explain({ signal: "traces", bytes, maxItems: 1 });
    return items[0]?.sampling?.probability;
  };
  await direct(0.25);
  const [first] = await node.pids();
  process.kill(first!, "SIGKILL");
  await eventually(async () => (await node.workers())[0]?.restarts === 1 && (await isReady(node)));
  assert.equal(await kept(), 0.25);
  const [second] = await node.pids();
  process.kill(second!, "SIGKILL");
  await eventually(async () => {
    const [worker] = await node.workers();
    return worker?.pid !== undefined && worker.pid !== second && !worker.ready;
  });
  await direct(0.125);
  await eventually(() => isReady(node));
  assert.equal(await kept(), 0.125);
});
