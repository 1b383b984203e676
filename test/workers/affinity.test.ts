import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { startWorkers } from "./worker-node.ts";

test("workers: what belongs together reaches one target, whichever worker it comes to", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using c = await openGrpcSink();
  const strategy = { type: "consistent_hash", key: "service_name" };
  const sinks = { a, b, c };
  await using node = await startWorkers(2, { default_pool: { targets: ["a", "b", "c"], strategy } }, sinks);
  const services = Array.from({ length: 12 }, (_, i) => `service-${i}`);
  // Two connections for each, one after the other: they go to different workers.
  await using senders = new AsyncDisposableStack();
  for (const [i, service] of services.entries()) {
    for (const source of [2 * i + 1, 2 * i + 2]) {
      const sender = senders.use(new Sender({ via: "grpc", address: node.grpc, source, service, parallel: 1 }));
      assert.equal((await sender.sendOne()).answer.kind, "taken");
    }
  }
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [12, 12],
  );
  const targets = new Map<string, Set<string>>();
  for (const [name, sink] of Object.entries(sinks)) {
    for (const { body } of sink.requests) {
      const service = services.findLast((one) => Buffer.from(body).includes(one)) ?? ""; // 11 before 1
      targets.set(service, (targets.get(service) ?? new Set()).add(name));
    }
  }
  assert.equal(targets.size, services.length);
  for (const [service, names] of targets) assert.equal(names.size, 1, `${service}: ${[...names].join()}`);
  assert.ok(new Set([...targets.values()].flatMap((names) => [...names])).size > 1);
});
