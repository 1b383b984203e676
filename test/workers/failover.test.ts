import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

function sender(node: WorkerNode, source: number): Sender {
  return new Sender({ via: "grpc", address: node.grpc, source, service: "s", parallel: 1 });
}

test("workers: one that begins is where failover stands in the other", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const strategy = { type: "failover", return_after: "10m" };
  const ejection = { failures: 1, rest: "100ms", max_rest: "100ms" };
  const targets = [
    { id: "a", ejection, health_check: { interval: "100ms" } },
    { id: "b", ejection },
  ];
  await using node = await startWorkers(2, { targets, default_pool: { targets: ["a", "b"], strategy } }, { a, b });
  await using first = sender(node, 1);
  await a.kill();
  while (b.requests.length === 0) await first.sendOne();
  const [, pid] = await node.pids();
  process.kill(pid!, "SIGKILL");
  await eventually(async () => (await node.workers())[1]?.pid !== pid && isReady(node));
  // Both work from here on, and by itself a worker that begins would begin with the first one: what
  // the other has told meanwhile is all that keeps it from that.
  await a.start();
  await eventually(async () => {
    const [primary] = (await node.running.dataPlane.status()).targets;
    return primary?.state === "ready";
  });
  await using second = sender(node, 2);
  const before = b.requests.length;
  assert.equal((await second.sendOne()).answer.kind, "taken");
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [1, 1],
  );
  assert.equal(b.requests.length, before + 1);
  assert.equal(a.requests.length, 0);
});
