import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ManualClock } from "../support/manual-clock.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { TurnPlugin } from "./turn-plugin.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

const ENDED = "a worker ended, and is started again";

/** Kills all workers. With a clock that stands still none is started again before it moves. */
async function killAll(node: WorkerNode): Promise<void> {
  const pids = await node.pids();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await eventually(async () => node.logged(ENDED).length === pids.length);
}

/** So many connections, which nobody takes yet. */
async function connectAll(node: WorkerNode, count: number): Promise<Socket[]> {
  const port = Number(node.grpc.split(":")[1]);
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (let turn = 0; turn < 20; turn++) await nextTurn(); // this process accepts them, too
  return sockets;
}

async function connections(node: WorkerNode): Promise<number[]> {
  return (await node.workers()).map((worker) => worker.connections);
}

/** The third and the fourth process are those after the first two; the fourth waits for a file. */
function lateUntil(file: string): string {
  return `
if (turn === 3) process.on("message", ({ kind }) => kind === "health" && writeFileSync(place("Ready"), ""));
if (turn === 4) while (!existsSync(place("${file}"))) await new Promise((resolve) => setTimeout(resolve, 20));
`;
}

test("workers: connections that waited are spread over all workers that start at the same time", async () => {
  using plugin = new TurnPlugin(lateUntil("Ready"));
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, plugin.config, { a }, clock);
  await killAll(node);
  const sockets = await connectAll(node, 6);
  clock.advance(500); // both begin
  await eventually(() => isReady(node));
  await eventually(async () => (await connections(node)).join(" ") === "3 3");
  for (const socket of sockets) socket.destroy();
});

test("workers: connections that waited are not kept for a worker that does not get ready", async () => {
  using plugin = new TurnPlugin(lateUntil("Never"));
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, plugin.config, { a }, clock);
  await killAll(node);
  const sockets = await connectAll(node, 6);
  clock.advance(500);
  await eventually(async () => (await node.readyWorkers()) === 1);
  assert.deepEqual(await connections(node), [0, 0]);
  clock.advance(1_000);
  await eventually(async () => (await connections(node)).includes(6));
  for (const socket of sockets) socket.destroy();
});

test("workers: a connection that no worker takes for long is closed, and its place is free", async () => {
  using plugin = new TurnPlugin("if (turn === 2) await new Promise(() => undefined);");
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  const limits = { max_connections: 2 };
  const config = { ...plugin.config, node: { ...plugin.config.node, limits } };
  await using node = await startWorkers(1, config, { a }, clock);
  await killAll(node);
  const [gone, waits] = await connectAll(node, 2);
  gone?.destroy(); // nobody sees that: nothing is read of it
  const refused = "signalbox_connections_refused_total";
  assert.equal(await node.metric(refused), 0);
  const closed = once(waits!, "close");
  for (let second = 0; second < 35; second++) clock.advance(1_000);
  await closed;
  assert.equal(await node.metric(refused), 2);
  assert.equal(node.logged("a connection was refused")[0]?.["reason"], "no_worker");
  const [next] = await connectAll(node, 1);
  assert.equal(await node.metric(refused), 2);
  next?.destroy();
});
