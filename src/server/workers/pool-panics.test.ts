import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { SharedPlan } from "./serialized-plan.ts";
import { PanicNews, type PoolPanic, PoolPanics } from "./pool-panics.ts";

const PANIC: PoolPanic = { pool: "p", ready: 1, counted: 3 };

function planOf(...names: string[]): Pick<SharedPlan, "pools"> {
  return { pools: names.map((name) => ({ name })) as unknown as SharedPlan["pools"] }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- all that is asked of them
}

/** The main process with a pool p. */
function open() {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ clock: new ManualClock(), write, level: "info", format: "json", colour: false });
  const metrics = createMetrics();
  const panics = new PoolPanics({ metrics, log });
  panics.adopt(planOf("p"));
  const now = (): (number | undefined)[] => [
    metrics.poolPanic.series.get("p")?.series.value,
    metrics.poolPanics.with("p").value,
    lines.length,
  ];
  return { panics, now };
}

test("panics of a node: each is told once, as long as any worker panics", () => {
  const { panics, now } = open();
  assert.deepEqual(now(), [0, 0, 0]);
  panics.told(0, [PANIC]);
  panics.told(1, [PANIC]);
  assert.deepEqual(now(), [1, 1, 1]);
  panics.told(0, []);
  assert.deepEqual(now(), [1, 1, 1]);
  panics.told(1, []);
  assert.deepEqual(now(), [0, 1, 2]);
});

test("panics of a node: a worker that dies ends none, and the one in its place begins none anew", () => {
  const { panics, now } = open();
  panics.told(0, [PANIC]);
  panics.ended(0);
  assert.deepEqual(now(), [1, 1, 1]);
  panics.told(0, [PANIC]);
  assert.deepEqual(now(), [1, 1, 1]);
  panics.ended(0);
  panics.told(0, []);
  assert.deepEqual(now(), [0, 1, 2]);
});

test("panics of a node: what a dead worker said last does not outlive what another says", () => {
  const { panics, now } = open();
  panics.told(0, [PANIC]);
  panics.told(1, []);
  panics.ended(0);
  assert.deepEqual(now(), [0, 1, 2]);
  panics.told(1, [PANIC]);
  panics.ended(1);
  panics.told(0, []);
  assert.deepEqual(now(), [0, 2, 4]);
});

test("panics of a node: pools that are gone from the plan have none, whatever a worker still says", () => {
  const { panics, now } = open();
  panics.told(0, [PANIC]);
  panics.adopt(planOf("q"));
  panics.told(0, [PANIC]);
  assert.deepEqual(now(), [undefined, 1, 1]);
  panics.adopt(planOf("p", "q"));
  assert.deepEqual(now(), [1, 2, 2]);
});

test("panics in a worker: all that panic are told when that changes, and the first word of a pool in any case", async () => {
  const sent: unknown[] = [];
  const news = new PanicNews((message) => void sent.push(message.kind === "panics" ? message.panics : message.kind));
  const [p, q] = [news.tellerOf("p"), news.tellerOf("q")];
  const turn = (): Promise<unknown> => new Promise(setImmediate);
  p.tell(undefined);
  q.tell(undefined);
  await turn();
  p.tell(PANIC);
  p.tell({ ready: 0, counted: 3 });
  await turn();
  q.tell({ ready: 0, counted: 1 });
  await turn();
  p.close();
  q.tell(undefined);
  await turn();
  await turn();
  assert.deepEqual(sent, [[], [PANIC], [PANIC, { pool: "q", ready: 0, counted: 1 }], []]);
});
