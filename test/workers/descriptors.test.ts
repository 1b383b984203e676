import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, startWorkers } from "./worker-node.ts";

/** Whether limits of a process that runs can be set here. */
function limitFiles(pid: number, files: number): boolean {
  try {
    execFileSync("prlimit", ["--pid", String(pid), `--nofile=${files}:${files}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("workers: one that has no file descriptor left goes on, and serves again when it has", async (t) => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(1, { default_pool: { targets: ["a"] } }, { a });
  const [pid] = await node.pids();
  await using sender = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s" });
  assert.equal((await sender.sendOne()).answer.kind, "taken");
  if (!limitFiles(pid!, 60)) return t.skip("prlimit is not there, or not allowed");
  const sockets: Socket[] = [];
  for (let i = 0; i < 60; i++) {
    const socket = connect(Number(node.grpc.split(":")[1]), "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    sockets.push(socket);
  }
  const { dataPlane } = node.running;
  for (let i = 0; i < 3; i++) await dataPlane.snapshot();
  assert.equal((await sender.sendOne()).answer.kind, "taken");
  // Nobody waits for what cannot be served.
  await eventually(async () => sockets.some((socket) => socket.closed));
  for (const socket of sockets) socket.destroy();
  await eventually(async () => (await node.workers())[0]?.connections === 1);
  await using late = new Sender({ via: "grpc", address: node.grpc, source: 2, service: "s" });
  assert.equal((await late.sendOne()).answer.kind, "taken");
  assert.deepEqual((await node.workers())[0]?.restarts, 0);
  assert.ok((await node.metric("signalbox_connections_refused_total")) > 0);
});
