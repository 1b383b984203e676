import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, startWorkers } from "./worker-node.ts";

const CHECK = { interval: "500ms", timeout: "5s", fall: 1, rise: 1 };

test("workers: targets are checked by the main process, and all workers hear what it finds", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const targets = ["a", "b"].map((id) => ({ id, endpoint: "http://127.0.0.1:1", health_check: CHECK }));
  const config = { targets, default_pool: { targets: ["a", "b"] } };
  await using node = await startWorkers(2, config, { a, b });
  await a.until(() => a.checks.length > 2);
  assert.equal(a.counts().connections, 1, "nothing was sent: only the main process has a connection");
  // Each is made and counted once, however many workers there are.
  await eventually(async () => (await node.metric("signalbox_target_checks_total")) > 6);
  const counted = await node.metric("signalbox_target_checks_total");
  const made = a.checks.length + b.checks.length;
  assert.ok(counted <= made, `${counted} were counted, ${made} were made`);
  await a.kill();
  const stateOf = async (id: string): Promise<string | undefined> => {
    return (await node.running.dataPlane.status()).targets.find((target) => target.id === id)?.state;
  };
  const downs = async (): Promise<number> => {
    const { metrics } = await node.running.dataPlane.snapshot();
    const all = metrics["signalbox_target_transitions_total"] ?? [];
    return all.reduce((sum, { labels, value }) => sum + (labels[0] === "a" && labels[2] === "down" ? value : 0), 0);
  };
  await eventually(async () => (await downs()) === 1);
  assert.equal(node.logged("target is out").length, 1, "one machine for the node, which tells it once");
  const checks = async (): Promise<number> => node.metric("signalbox_target_checks_total");

  // The one that is started again knows: it sends nothing there before a check passes.
  const [, pid] = await node.pids();
  process.kill(pid!, "SIGKILL");
  await eventually(async () => (await node.readyWorkers()) === 2 && !(await node.pids()).includes(pid!));
  const senders = [1, 2].map((source) => new Sender({ via: "grpc", address: node.grpc, source, service: "s" }));
  for (const sender of senders) for (let i = 0; i < 4; i++) await sender.sendOne();
  assert.deepEqual(
    senders.flatMap(({ failures }) => failures),
    [],
  );
  assert.equal(b.counts().acceptedItems, 40);
  const before = await checks();
  await eventually(async () => (await checks()) > before + 12);
  assert.equal(await stateOf("a"), "down");
  assert.equal(await downs(), 1, "it never took it for ready");
  await a.start();
  await eventually(async () => (await stateOf("a")) === "ready");
  for (const sender of senders) await sender[Symbol.asyncDispose]();
});
