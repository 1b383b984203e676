import assert from "node:assert/strict";
import test from "node:test";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { DegradationDocument } from "../../config/schema/fleet.ts";
import type { GivenUp } from "../../plan/degradation-plan.ts";
import type { LoadSignals } from "../load/load-report.ts";
import type { DegradationDirective } from "./degradation-directive.ts";
import { NodeDegradation } from "./node-degradation.ts";

const SETTINGS: DegradationDocument = {
  enabled: true,
  threshold: 0.8,
  target_rate: 0.01,
  recovery_threshold: 0.6,
  min_dwell: 30_000,
  predictive: false,
};
const REST: LoadSignals = { cpu: 0, memory: 0, queue: 0, eventLoopMs: 0, exportErrors: 0 };

const DIRECTIVE: DegradationDirective = {
  degraded: true,
  target_rate: 0.02,
  reason: { kind: "load", load: 0.9, node: "n7" },
  since_ms: 1,
  dwell_ms: 30_000,
};

class Scene {
  readonly clock = new ManualClock();
  settings: DegradationDocument | undefined = SETTINGS;
  readonly told: GivenUp[] = [];
  readonly changes: (readonly [number, number])[] = [];
  fails = false;
  /** What the data plane waits for before it takes anything. */
  busy: Promise<void> | undefined;
  readonly node = new NodeDegradation({
    clock: this.clock,
    log: recordedLog(this.clock),
    id: "n1",
    settings: () => this.settings,
    apply: async (givenUp) => {
      const { busy } = this;
      this.busy = undefined;
      await busy;
      if (this.fails) throw new Error("no worker answers");
      this.told.push(givenUp);
    },
    changed: (from, to) => void this.changes.push([from, to]),
  });

  /** A sample each second. */
  async run(seconds: number, signals: Partial<LoadSignals> = {}, load = 0.1): Promise<void> {
    const own = { load, receivedPerSecond: 100, keptPerSecond: 100, forecast: undefined };
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1_000);
      this.node.sampled({ ...REST, ...signals }, own);
      await new Promise(setImmediate);
    }
  }

  last(): GivenUp | undefined {
    return this.told.at(-1);
  }
}

test("a node gives up what its worst signal calls for, and says which signal and what would help", async () => {
  const scene = new Scene();
  await scene.run(9, { queue: 0.9 });
  assert.deepEqual(scene.told, []);
  await scene.run(2, { queue: 0.9 });
  const why = "queue 0.90: queue.max_bytes of the pool that fills, or more targets";
  assert.deepEqual(scene.told, [{ level: 3, unprotectedRate: 1, lowRate: 0.01, why }]);
  await scene.run(61);
  assert.equal(scene.last()?.level, 2);
  await scene.run(200);
  assert.deepEqual([scene.last()?.level, scene.last()?.why], [0, ""]);
  assert.deepEqual(scene.changes, [
    [0, 3],
    [3, 2],
    [2, 1],
    [1, 0],
  ]);
});

test("without degradation in the config no load makes a node give up anything; an order does, until its time is over", async () => {
  const scene = new Scene();
  scene.settings = undefined;
  await scene.run(60, { eventLoopMs: 900 }, 1);
  assert.deepEqual(scene.told, []);
  const untilMs = scene.clock.wallMs() + 10_000;
  await scene.node.order({ level: 4, untilMs, note: "the sinks are moved" });
  assert.deepEqual(scene.last(), { level: 4, unprotectedRate: 1, lowRate: 0.1, why: "ordered: the sinks are moved" });
  assert.equal(scene.node.status.order?.untilMs, untilMs);
  await scene.run(9);
  assert.equal(scene.node.status.level, 4);
  await scene.run(1);
  assert.deepEqual([scene.node.status.level, scene.last()?.level, scene.node.status.order], [0, 0, undefined]);
  scene.node.stands("alone");
  await scene.node.orderFleet({ isDegraded: true, untilMs: scene.clock.nowMs() + 5_000, note: "" });
  await scene.run(1);
  assert.equal(scene.node.status.fleet?.degraded, true);
  await scene.run(5);
  assert.equal(scene.node.status.fleet, undefined);
});

test("an order to give up nothing holds against what is measured, and can be ended", async () => {
  const scene = new Scene();
  await scene.node.order({ level: 0, untilMs: scene.clock.wallMs() + 3_600_000, note: "" });
  await scene.run(30, { memory: 0.99 });
  assert.deepEqual([scene.node.status.level, scene.node.status.measured.level, scene.told], [0, 5, []]);
  await scene.node.order(undefined);
  assert.equal(scene.last()?.level, 5);
});

test("what the leader says of the fleet holds until it says something else, or its directive is over", async () => {
  const scene = new Scene();
  scene.node.stands("in_fleet");
  scene.node.directed(DIRECTIVE);
  await scene.run(1, {}, 1);
  assert.equal(scene.last()?.unprotectedRate, 0.02);
  await scene.run(60, {}, 1);
  assert.equal(scene.told.length, 1, "its own load decides nothing of the fleet");
  scene.node.directed(undefined);
  await scene.run(1);
  assert.equal(scene.last()?.unprotectedRate, 1);
});

test("a node alone does by itself what a leader would", async () => {
  const scene = new Scene();
  scene.node.stands("alone");
  await scene.run(60, {}, 0.9);
  assert.equal(scene.last()?.unprotectedRate, 0.01);
  const { fleet } = scene.node.status;
  assert.ok(fleet?.reason.kind === "load" && fleet.reason.node === "n1");
  await scene.run(120, {}, 0.1);
  assert.equal(scene.last()?.unprotectedRate, 1);
  await scene.node.orderFleet({ isDegraded: true, untilMs: scene.clock.nowMs() + 5_000, note: "" });
  await scene.run(1);
  assert.equal(scene.last()?.unprotectedRate, 0.01);
  await scene.run(40);
  assert.equal(scene.last()?.unprotectedRate, 1);
});

test("what the data plane could not be told is told again with the next sample", async () => {
  const scene = new Scene();
  scene.fails = true;
  await scene.run(12, { queue: 1 });
  assert.deepEqual(scene.told, []);
  scene.fails = false;
  await scene.run(1, { queue: 1 });
  assert.equal(scene.last()?.level, 3);
});

test("the data plane is told one after the other, however long it takes", async () => {
  const scene = new Scene();
  const { promise, resolve } = Promise.withResolvers<void>();
  scene.busy = promise;
  const untilMs = scene.clock.wallMs() + 60_000;
  const orders = [2, 4].map((level) => scene.node.order({ level, untilMs, note: "" }));
  await new Promise(setImmediate);
  assert.deepEqual(scene.told, []);
  resolve();
  await Promise.all(orders);
  assert.deepEqual(
    scene.told.map(({ level }) => level),
    [2, 4],
  );
});
