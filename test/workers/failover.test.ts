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
  const targets = [{ id: "a", health_check: { interval: "100ms" } }, { id: "b" }];
  await using node = await startWorkers(2, { targets, default_pool: { targets: ["a", "b"], strategy } }, { a, b });
  await using first = sender(node, 1);
  const isReadyAgain = async (): Promise<boolean> => {
    const [primary] = (await node.running.dataPlane.status()).targets;
    return primary?.state === "ready";
  };
  await a.kill();
  // What just failed goes to b without a failover while a may be asked again.
  await eventually(async () => !(await isReadyAgain()));
  assert.equal((await first.sendOne()).answer.kind, "taken");
  assert.equal(b.requests.length, 1);
  const [, pid] = await node.pids();
  process.kill(pid!, "SIGKILL");
  await eventually(async () => (await node.workers())[1]?.pid !== pid && isReady(node));
  // Both work from here on, and by itself a worker that begins would begin with the first one: what
  // the other has told meanwhile is all that keeps it from that.
  await a.start();
  await eventually(isReadyAgain);
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
