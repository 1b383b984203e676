import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { OK, type SinkScript } from "../support/sinks/sink-script.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

/** Each request is a call of its own. */
const ITEMS = 5;
const LIMIT = 8;

function sender(node: WorkerNode, source: number): Sender {
  const options = { via: "grpc", address: node.grpc, source, service: `s${source}`, parallel: 24 } as const;
  return new Sender({ ...options, itemsPerRequest: ITEMS, pauseMs: 0 });
}

function configOf(calls: number): Readonly<Record<string, unknown>> {
  return {
    targets: [{ id: "a", limits: { max_in_flight: calls } }],
    default_pool: { targets: ["a"], batch: { max_items: ITEMS } },
  };
}

/** How many calls are at a sink that takes some time for each. */
class Crowd {
  now = 0;
  most = 0;
  /** The same since somebody asked. */
  recent = 0;
  readonly script: SinkScript = () => {
    this.recent = Math.max(this.recent, ++this.now);
    this.most = Math.max(this.most, this.now);
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(() => {
      this.now--;
      resolve();
    }, 5);
    return { kind: "held", until: promise, next: OK };
  };
}

async function reaches(crowd: Crowd, calls: number): Promise<void> {
  crowd.recent = 0;
  await eventually(async () => crowd.recent >= calls);
}

test("workers: one that has all the load is lent all of max_in_flight, gives back what another wants, and no more calls arrive at once", async () => {
  const crowd = new Crowd();
  await using a = await openGrpcSink({ script: crowd.script });
  await using node = await startWorkers(2, configOf(LIMIT), { a });
  await using first = sender(node, 1);
  first.start();
  await reaches(crowd, LIMIT);
  const [before] = (await node.running.dataPlane.status()).targets;
  assert.equal(before?.window, LIMIT, "windows of workers add up");
  await using second = sender(node, 2);
  second.start();
  await second.progress(100);
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [1, 1],
  );
  await first.stop();
  await reaches(crowd, LIMIT);
  await second.stop();
  assert.equal(crowd.most, LIMIT);
  assert.deepEqual([...first.failures, ...second.failures], []);
});

test("workers: a single call of max_in_flight goes round, and no two arrive at once", async () => {
  const crowd = new Crowd();
  await using a = await openGrpcSink({ script: crowd.script });
  await using node = await startWorkers(3, configOf(1), { a });
  await using first = sender(node, 1);
  await using second = sender(node, 2);
  await using third = sender(node, 3);
  const senders = [first, second, third];
  for (const one of senders) one.start();
  await Promise.all(senders.map((one) => one.progress(30)));
  assert.equal(crowd.most, 1);
  await Promise.all(senders.map((one) => one.stop()));
});

test("workers: what one that is killed was lent is there for the others, and for the one in its place", async () => {
  const crowd = new Crowd();
  await using a = await openGrpcSink({ script: crowd.script });
  await using node = await startWorkers(2, configOf(LIMIT), { a });
  await using first = sender(node, 1);
  first.start();
  await reaches(crowd, LIMIT);
  const [pid] = await node.pids();
  process.kill(pid!, "SIGKILL");
  await eventually(async () => (await node.workers())[0]?.pid !== pid && isReady(node));
  await reaches(crowd, LIMIT);
  await first.stop();
});

test("workers: what a pool holds that is gone from the plan is sent, whichever worker has it, and no two calls arrive at once", async () => {
  const crowd = new Crowd();
  const gate = Promise.withResolvers<void>();
  const script: SinkScript = (...of) => ({ kind: "held", until: gate.promise, next: crowd.script(...of) });
  await using a = await openGrpcSink({ script });
  await using b = await openGrpcSink();
  const without = { targets: [{ id: "b" }], default_pool: { targets: ["b"] } };
  const pool = { targets: ["a"], ack: "queued", batch: { max_items: ITEMS } };
  const rules = [{ id: "all", conditions: [], pool: "p" }];
  const targets = [{ id: "a", endpoint: a.url, limits: { max_in_flight: 1 } }, { id: "b" }];
  await using node = await startWorkers(2, { ...without, targets, pools: { p: pool }, rules }, { b });
  await using first = sender(node, 1);
  await using second = sender(node, 2);
  for (const one of [first, second]) one.start();
  await Promise.all([first, second].map((one) => one.progress(20).then(() => one.stop())));
  assert.equal((await node.apply({ node: { workers: 2 }, ...without })).kind, "applied");
  gate.resolve();
  await eventually(async () => (await node.running.dataPlane.leaving()).length === 0);
  assert.equal(crowd.most, 1);
});

test("workers: who drains has what the others need no more, and what they had when they are gone", async () => {
  const gate = Promise.withResolvers<void>();
  await using a = await openGrpcSink({ script: () => ({ kind: "held", until: gate.promise, next: OK }) });
  const pool = { targets: ["a"], ack: "queued", batch: { max_items: ITEMS } };
  const config = { ...configOf(1), node: { shutdown_grace: "30s" }, default_pool: pool };
  await using node = await startWorkers(2, config, { a });
  await using first = sender(node, 1);
  await using second = sender(node, 2);
  for (const one of [first, second]) one.start();
  await Promise.all([first, second].map((one) => one.progress(20).then(() => one.stop())));
  const stopped = node.running.stop();
  await eventually(async () => !(await node.running.dataPlane.ready()).ready);
  gate.resolve();
  const { drained, leftItems } = await stopped;
  assert.deepEqual({ drained, leftItems }, { drained: true, leftItems: 0 });
});
