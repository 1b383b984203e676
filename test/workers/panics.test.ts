import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, isReady, startWorkers } from "./worker-node.ts";

test("workers: a pool that panics in two of them is counted and logged once, also when one is started again", async () => {
  await using a = await openGrpcSink();
  const ejection = { failures: 1, rest: "300s" };
  const targets = ["a", "b", "c"].map((id) => ({ id, health_check: false, ejection, endpoint: "http://127.0.0.1:1" }));
  const config = { targets, default_pool: { targets: ["a", "b", "c"] } };
  await using node = await startWorkers(2, config, { a });
  const panics = (): Promise<number> => node.metric("signalbox_pool_panics_total");
  const logged = (): number =>
    node.logged("pool panics: less than half of its targets are ready, so all are used").length;
  assert.equal(await panics(), 0);
  await using one = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s" });
  await using two = new Sender({ via: "grpc", address: node.grpc, source: 2, service: "s" });
  await eventually(async () => {
    await Promise.all([one.sendOne(), two.sendOne()]);
    return (await node.metric("signalbox_pool_panic")) === 1;
  });
  assert.deepEqual([await panics(), logged()], [1, 1]);
  const [pid] = await node.pids();
  process.kill(pid!, "SIGKILL");
  await eventually(async () => (await node.pids())[0] !== pid && isReady(node));
  // Each has said what it sees by then: what is told next is that of the worker started again.
  await one.sendOne();
  await two.sendOne();
  assert.deepEqual([await node.metric("signalbox_pool_panic"), await panics(), logged()], [1, 1, 1]);
});
