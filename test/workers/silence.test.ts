import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { eventually, startWorkers, type WorkerNode } from "./worker-node.ts";

const POOL = { default_pool: { targets: ["a"] } };
const NEXT = { node: { workers: 2 }, default_pool: { targets: ["b"] } };

interface Scene extends AsyncDisposable {
  readonly node: WorkerNode;
  readonly clock: ManualClock;
  readonly b: Sink;
}

/** The main process's time is moved by hand; that of the workers is the machine's. */
async function scene(): Promise<Scene> {
  const clock = new ManualClock();
  const a = await openGrpcSink();
  const b = await openGrpcSink();
  const node = await startWorkers(2, POOL, { a, b }, clock);
  return {
    node,
    clock,
    b,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

/**
 * Moves the time on until it `holds`, a second at most between two answers of the first worker: so
 * that it is never late itself, however busy the machine is.
 */
async function pass({ node, clock }: Scene, holds: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(async () => {
    await node.running.dataPlane.explain({ signal: "traces", bytes: new Uint8Array(), maxItems: 1 });
    clock.advance(1_000);
    return await holds();
  });
}

function isReplaced(node: WorkerNode): boolean {
  return node.logged("a worker ended, and is started again").length > 0;
}

/**
 * The one in its place has begun. It gets the time that it needs: no time passes for the main
 * process once its process is there.
 */
async function begun(at: Scene): Promise<void> {
  await pass(at, async () => (await at.node.pids()).length === 2);
  await eventually(async () => (await at.node.readyWorkers()) === 2);
}

/**
 * Both workers have this plan: each gets a connection, and what it sends arrives where the plan
 * says.
 */
async function assertBoth({ node, b }: Scene): Promise<void> {
  const senders = [1, 2].map((source) => new Sender({ via: "grpc", address: node.grpc, source, service: "s" }));
  for (const sender of senders) await sender.sendOne();
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [1, 1],
  );
  assert.equal(b.counts().acceptedItems, 10);
  for (const sender of senders) await sender[Symbol.asyncDispose]();
}

test("workers: a change is refused when one of them says nothing, which is killed for it", async () => {
  await using at = await scene();
  const { node } = at;
  const [, second] = await node.pids();
  process.kill(second!, "SIGSTOP");
  const preparing = node.running.dataPlane.prepare(node.planOf(NEXT, 2)).then(
    () => "prepared",
    (cause: unknown) => String(cause),
  );
  await pass(at, () => isReplaced(node));
  assert.match(await preparing, /did not answer prepare within 10 s/u);
  assert.equal(node.logged("a worker ended, and is started again")[0]?.["reason"], "silent");
  await begun(at);
  assert.equal((await node.running.dataPlane.status()).version, 1);
  await (await node.running.dataPlane.prepare(node.planOf(NEXT, 2))).commit();
  await assertBoth(at);
});

test("workers: once a change is decided, one that says nothing is replaced by one that begins with it", async () => {
  await using at = await scene();
  const { node } = at;
  const prepared = await node.running.dataPlane.prepare(node.planOf(NEXT, 2));
  const [, second] = await node.pids();
  process.kill(second!, "SIGSTOP");
  const committed = prepared.commit();
  await pass(at, () => isReplaced(node));
  await committed;
  await begun(at);
  await assertBoth(at);
});

test("workers: one that hangs is found without anybody asking it for something", async () => {
  await using at = await scene();
  const { node } = at;
  const [, second] = await node.pids();
  process.kill(second!, "SIGSTOP");
  await pass(at, () => isReplaced(node));
  assert.equal(node.logged("a worker ended, and is started again")[0]?.["reason"], "silent");
  await begun(at);
});
