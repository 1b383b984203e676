import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { type ProcessEvents, ProcessSignals, runNode as runWith } from "../../src/server/run.ts";
import type { RunningNode } from "../../src/server/running-node.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { configText, Scene } from "./scene.ts";

/** The part of a process that a node lives by. */
class ProcessStandIn extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

async function runNode(node: RunningNode, events: ProcessEvents): Promise<0 | 1> {
  using signals = new ProcessSignals(events, { log: node.env.log, clock: node.env.clock, graceMs: 1_000 });
  return await runWith(node, signals);
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal}: not ready, drained within the grace of the newest config, exit code 0`, async () => {
    await using scene = new Scene();
    const events = new ProcessStandIn();
    const node = await scene.start(configText(undefined, "  shutdown_grace: 5s"));
    await node.walk.apply(configText(undefined, "  shutdown_grace: 9s"));
    const ended = runNode(node, events);
    events.emit(signal, signal);
    assert.equal(await ended, 0);
    assert.deepEqual([scene.plane.graces, events.exits, scene.plane.disposed], [[9_000], [], true]);
    assert.equal(scene.messages.at(-1), "signalbox stopped");
    assert.equal(events.eventNames().length, 0, "the process is left as it was found");
  });
}

test("a second signal ends the process at once with 1", async () => {
  await using scene = new Scene();
  const events = new ProcessStandIn();
  const node = await scene.start(configText());
  const drain = Promise.withResolvers<void>();
  scene.plane.drain = drain.promise;
  const ended = runNode(node, events);
  events.emit("SIGTERM", "SIGTERM");
  assert.deepEqual(events.exits, []);
  events.emit("SIGINT", "SIGINT");
  assert.deepEqual(events.exits, [1]);
  drain.resolve();
  await ended;
});

test("what was left when the grace ended is told as an error", async () => {
  await using scene = new Scene();
  const events = new ProcessStandIn();
  const node = await scene.start(configText());
  scene.plane.report = { drained: false, tookMs: 30_000, leftItems: 12, leftBytes: 3_400 };
  const ended = runNode(node, events);
  events.emit("SIGTERM", "SIGTERM");
  assert.equal(await ended, 0);
  const { level, left_items } = scene.lines.at(-1) ?? {};
  assert.deepEqual([level, left_items], ["error", 12]);
});

test("SIGHUP reads the config again although the file is the same", async () => {
  await using scene = new Scene();
  const events = new ProcessStandIn();
  const node = await scene.start(configText());
  const ended = runNode(node, events);
  const applied = scene.logged("config applied");
  events.emit("SIGHUP", "SIGHUP");
  await applied;
  assert.equal(node.walk.status.version, 2);
  events.emit("SIGTERM", "SIGTERM");
  await ended;
});

for (const event of ["uncaughtException", "unhandledRejection"]) {
  test(`${event}: logged as an error, and the process ends at once with 1`, async () => {
    await using scene = new Scene();
    const events = new ProcessStandIn();
    const node = await scene.start(configText());
    const ended = runNode(node, events);
    events.emit(event, new Error("a fault"));
    assert.deepEqual(events.exits, [1]);
    assert.deepEqual([scene.lines.at(-1)?.["level"], scene.lines.at(-1)?.["reason"]], ["error", "a fault"]);
    events.emit("SIGTERM", "SIGTERM");
    await ended;
  });
}

test("the first lines of the log tell the version, the config file and the bound addresses", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const [starts, listens] = scene.lines;
  assert.deepEqual([starts?.["config"], typeof starts?.["version"]], [scene.file, "string"]);
  assert.deepEqual([listens?.["otlp_grpc"], listens?.["admin"]], ["127.0.0.1:1111", node.addresses.admin]);
});

test("a signal that comes before the node runs stops it in order as soon as it does", async () => {
  await using scene = new Scene();
  const events = new ProcessStandIn();
  const clock = new ManualClock();
  using signals = new ProcessSignals(events, { log: createLog(QUIET), clock, graceMs: 5_000 });
  events.emit("SIGHUP", "SIGHUP");
  events.emit("SIGTERM", "SIGTERM");
  const node = await scene.start(configText());
  assert.equal(await runWith(node, signals), 0);
  assert.deepEqual([scene.plane.graces.length, events.exits, clock.pending], [1, [], 0]);
  assert.equal(scene.messages.at(-1), "signalbox stopped");
});

test("a start that hangs ends within 5 s after the grace, with 1, once it is to stop", () => {
  const events = new ProcessStandIn();
  const clock = new ManualClock();
  using signals = new ProcessSignals(events, { log: createLog(QUIET), clock, graceMs: 5_000 });
  events.emit("SIGTERM", "SIGTERM");
  clock.advance(5_000);
  assert.deepEqual(events.exits, []);
  clock.advance(5_000);
  assert.deepEqual(events.exits, [1]);
  assert.ok(signals);
});

const QUIET = {
  clock: new ManualClock(),
  write: () => undefined,
  level: "error",
  format: "json",
  colour: false,
} as const;
