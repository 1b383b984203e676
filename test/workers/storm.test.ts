import assert from "node:assert/strict";
import { test } from "node:test";
import { account, Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { eventually, startWorkers } from "./worker-node.ts";

const ROUNDS = 4;

test("workers: killed one after the other under load, with reloads: nothing acknowledged is lost, nothing hangs", async () => {
  await using a = await openGrpcSink();
  await using b = await openHttpSink();
  const targets = [{ id: "b", endpoint: "http://127.0.0.1:1", protocol: "http/protobuf" }];
  const config = { targets, default_pool: { targets: ["a", "b"] } };
  await using node = await startWorkers(2, config, { a, b });
  const senders = [1, 2, 3, 4].map((source) => {
    const via = source % 2 === 0 ? "http" : "grpc";
    return new Sender({ via, address: via === "grpc" ? node.grpc : node.http, source, service: `s${source}` });
  });
  for (const sender of senders) sender.start();
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(senders.map((sender) => sender.progress(3)));
    const victim = (await node.workers())[round % 2]?.pid;
    process.kill(victim!, "SIGKILL");
    const changed = {
      ...config,
      node: { workers: 2 },
      default_pool: { targets: round % 2 === 0 ? ["a"] : ["a", "b"] },
    };
    const outcome = await node.apply(changed);
    // It may die while it prepares: then the change is refused, and nothing is different.
    assert.ok(outcome.kind === "applied" || outcome.kind === "failed", JSON.stringify(outcome));
    await eventually(async () => (await node.readyWorkers()) === 2);
  }
  await Promise.all(senders.map((sender) => sender.progress(3)));
  await Promise.all(senders.map((sender) => sender.stop()));
  assert.equal(account(senders, [a, b]).lost, 0);
  assert.equal(await node.metric("signalbox_worker_restarts_total"), ROUNDS);
  const { received, delivered, shed, lost, queued } = await node.ledger();
  assert.deepEqual([lost, queued], [0, 0]);
  assert.equal(received, delivered + shed);
  for (const sender of senders) await sender[Symbol.asyncDispose]();
});
