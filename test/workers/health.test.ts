import assert from "node:assert/strict";
import { test } from "node:test";
import type { TargetStatus } from "../../src/plan/data-plane.ts";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { OK, refusing, type SinkAnswer } from "../support/sinks/sink-script.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;

/** Targets without checks, of which nothing but calls tells. */
function configOf(ids: readonly string[], ejection: object): Readonly<Record<string, unknown>> {
  const targets = ids.map((id) => ({ id, endpoint: "http://127.0.0.1:1", health_check: false, ejection }));
  return { targets, default_pool: { targets: ids } };
}

/** The first connection goes to the first worker, the second one to the other. */
function senderOf(node: WorkerNode, source: number): Sender {
  return new Sender({ via: "grpc", address: node.grpc, source, service: `s${source}` });
}

async function statusOf(node: WorkerNode, id: string): Promise<TargetStatus | undefined> {
  return (await node.running.dataPlane.status()).targets.find((target) => target.id === id);
}

async function hasState(node: WorkerNode, id: string, state: string): Promise<boolean> {
  return (await statusOf(node, id))?.state === state;
}

/** Requests of one sender that arrived, whatever was said of them. */
function arrived(sink: Sink, { service }: Sender): number {
  return sink.requests.filter(({ body }) => Buffer.from(body).includes(service)).length;
}

/** Sends until so many of its requests were at this sink. */
async function fail(sender: Sender, sink: Sink, times: number): Promise<void> {
  while (arrived(sink, sender) < times) await sender.sendOne();
}

async function sendMany(sender: Sender, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await sender.sendOne();
}

/** Kills the worker of this number and waits for the one in its place. */
async function replaceWorker(node: WorkerNode, id: number): Promise<void> {
  const before = (await node.workers())[id - 1]?.pid;
  process.kill(before!, "SIGKILL");
  await eventually(async () => {
    const now = (await node.workers())[id - 1];
    return now?.pid !== undefined && now.pid !== before && (await isReady(node));
  });
}

test("workers: failures of two workers, too few in each, eject for the node; it is told once", async () => {
  await using a = await openGrpcSink({ script: refusing(UNAVAILABLE) });
  await using b = await openGrpcSink();
  await using node = await startWorkers(2, configOf(["a", "b"], { failures: 5, rest: "300s" }), { a, b });
  await using one = senderOf(node, 1);
  await using two = senderOf(node, 2);
  await fail(one, a, 3);
  await fail(two, a, 2);
  await eventually(() => hasState(node, "a", "ejected"));
  assert.equal((await statusOf(node, "a"))?.reason, "unavailable");
  assert.equal(node.logged("target is out").length, 1);
  assert.equal(await node.metric("signalbox_target_transitions_total"), 1);
  // Both obey: nothing more is tried there.
  const before = a.requests.length;
  await sendMany(one, 4);
  await sendMany(two, 4);
  assert.equal(a.requests.length, before);
  assert.deepEqual([...one.failures, ...two.failures], []);
});

test("workers: what one found out holds in the other, and in one that is started again, before its first call", async () => {
  await using a = await openGrpcSink({ script: refusing(UNAVAILABLE) });
  await using b = await openGrpcSink({ script: refusing(RESOURCE_EXHAUSTED, { retryAfterMs: 290_000 }) });
  await using c = await openGrpcSink();
  await using d = await openGrpcSink();
  const config = configOf(["a", "b", "c", "d"], { failures: 3, rest: "300s" });
  await using node = await startWorkers(2, config, { a, b, c, d });
  const { dataPlane } = node.running;
  assert.equal(await dataPlane.operate("c", { state: "drain", untilMs: undefined, note: "upgrade" }), true);
  await using one = senderOf(node, 1);
  await using two = senderOf(node, 2);
  await fail(one, a, 3);
  await fail(one, b, 1);
  await eventually(async () => {
    return (await hasState(node, "a", "ejected")) && (await statusOf(node, "b"))?.paused !== undefined;
  });
  await sendMany(two, 8);
  await replaceWorker(node, 2);
  await using three = senderOf(node, 3);
  await sendMany(three, 8);
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [1, 1],
  );
  for (const sink of [a, b, c]) assert.deepEqual([arrived(sink, two), arrived(sink, three)], [0, 0]);
  assert.equal(d.tally.counts().duplicates, 0);
  assert.deepEqual([...two.failures, ...three.failures], []);
  assert.deepEqual(await dataPlane.operatorStates(), [
    { id: "c", state: "drain", untilMs: undefined, note: "upgrade" },
  ]);
  assert.equal(await node.metric("signalbox_target_transitions_total"), 2, "a is out, c is drained");
});

test("workers: two that are busy send one probe between them, and both go on when it was taken", async () => {
  const held = Promise.withResolvers<void>();
  let answer: SinkAnswer = { kind: "status", code: UNAVAILABLE };
  await using a = await openGrpcSink({ script: () => answer });
  await using b = await openGrpcSink();
  await using node = await startWorkers(2, configOf(["a", "b"], { failures: 3, rest: "1s" }), { a, b });
  await using one = senderOf(node, 1);
  await using two = senderOf(node, 2);
  await fail(one, a, 3);
  await eventually(() => hasState(node, "a", "ejected"));
  answer = { kind: "held", until: held.promise, next: OK };
  const before = a.requests.length;
  one.start();
  two.start();
  await a.until(() => a.requests.length > before);
  await Promise.all([one.progress(10), two.progress(10)]);
  assert.equal(a.requests.length, before + 1, "one probe");
  assert.equal(await hasState(node, "a", "probing"), true);
  answer = OK;
  held.resolve();
  await eventually(() => hasState(node, "a", "ready"));
  const [first, second] = [arrived(a, one), arrived(a, two)];
  await a.until(() => arrived(a, one) > first && arrived(a, two) > second);
  await Promise.all([one.stop(), two.stop()]);
  assert.deepEqual([...one.failures, ...two.failures], []);
});

test("workers: the probe is sent by who has something to send, though another may be asked first", async () => {
  await using a = await openGrpcSink({ script: refusing(UNAVAILABLE) });
  await using b = await openGrpcSink();
  await using node = await startWorkers(2, configOf(["a", "b"], { failures: 4, rest: "1s" }), { a, b });
  await using busy = senderOf(node, 1);
  await using idle = senderOf(node, 2);
  await fail(busy, a, 1);
  await fail(idle, a, 3); // it has told last, and gets the permit first
  await eventually(() => hasState(node, "a", "ejected"));
  a.script = () => OK;
  busy.start();
  await eventually(() => hasState(node, "a", "ready"));
  await busy.stop();
  assert.deepEqual(busy.failures, []);
});
