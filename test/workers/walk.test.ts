import assert from "node:assert/strict";
import { test } from "node:test";
import { account, Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, startWorkers, type WorkerNode } from "./worker-node.ts";

const POOL = { default_pool: { targets: ["a"] } };

function sender(node: WorkerNode, source: number, via: "grpc" | "http" = "grpc"): Sender {
  return new Sender({ via, address: via === "grpc" ? node.grpc : node.http, source, service: `s${source}` });
}

for (const workers of [1, 2]) {
  test(`workers: ${workers}: requests over gRPC and HTTP arrive, are counted, and the stop drains`, async () => {
    await using a = await openGrpcSink();
    await using node = await startWorkers(workers, POOL, { a });
    const pids = await node.pids();
    assert.equal(new Set(pids).size, workers);
    assert.ok(!pids.includes(process.pid));
    const senders = [sender(node, 1), sender(node, 2), sender(node, 3, "http"), sender(node, 4, "http")];
    await Promise.all(senders.flatMap((one) => [one.sendOne(), one.sendOne(), one.sendOne()]));
    assert.deepEqual(
      senders.flatMap(({ failures }) => failures),
      [],
    );
    assert.deepEqual(account(senders, [a]), { acknowledged: 60, lost: 0, duplicates: 0 });
    const { received, delivered, queued } = await node.ledger();
    assert.deepEqual([received, delivered, queued], [60, 60, 0]);
    assert.equal(await node.metric("otlp_requests_total"), 12);
    assert.equal((await node.running.dataPlane.status()).inFlight.requests, 0);
    for (const one of senders) await one[Symbol.asyncDispose]();
    assert.equal((await node.running.stop()).drained, true);
    assert.deepEqual(await node.pids(), []);
    assert.equal((await node.ledger()).delivered, 60, "what ended workers counted goes on being told");
  });
}

test("workers: connections go to the one with the fewest", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a });
  const senders = Array.from({ length: 8 }, (_, i) => sender(node, i + 1));
  for (const one of senders) await one.sendOne();
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [4, 4],
  );
  for (const one of senders.slice(0, 3)) await one[Symbol.asyncDispose]();
  await eventually(async () => (await node.workers()).reduce((sum, one) => sum + one.connections, 0) === 5);
  for (const one of senders) await one[Symbol.asyncDispose]();
});

test("workers: a config is applied by all of them, or by none", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a, b });
  await using one = sender(node, 1);
  await using two = sender(node, 2);
  await Promise.all([one.sendOne(), two.sendOne()]);
  const [, , ...calls] = [a.counts().acceptedItems, b.counts().acceptedItems];
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems, calls.length], [10, 0, 0]);
  assert.equal((await node.apply({ node: { workers: 2 }, default_pool: { targets: ["b"] } })).kind, "applied");
  await Promise.all([one.sendOne(), two.sendOne()]);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [10, 10]);
  const unknown = { targets: ["a"], strategy: { type: "plugin", name: "nobody" } };
  const refused = await node.apply({ node: { workers: 2, plugins: ["./none.ts"] }, default_pool: unknown });
  assert.equal(refused.kind, "failed");
  await Promise.all([one.sendOne(), two.sendOne()]);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [10, 20]);
  assert.equal((await node.running.dataPlane.status()).version, 2);
});
