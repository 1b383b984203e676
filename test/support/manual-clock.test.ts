import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./manual-clock.ts";

test("timers run in the order of their times, and each sees its own time", () => {
  const clock = new ManualClock();
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(["late", clock.nowMs()]));
  clock.after(10, () => seen.push(["first of two", clock.nowMs()]));
  clock.after(10, () => seen.push(["second of two", clock.nowMs()]));
  clock.advance(19);
  assert.deepEqual(seen, [
    ["first of two", 10],
    ["second of two", 10],
  ]);
  clock.advance(1);
  assert.deepEqual(seen.at(-1), ["late", 20]);
});

test("a timer set by a timer runs in the same advance when it falls due", () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const again = (): void => {
    seen.push(clock.nowMs());
    clock.after(10, again);
  };
  clock.after(10, again);
  clock.advance(35);
  assert.deepEqual(seen, [10, 20, 30]);
  assert.equal(clock.nowMs(), 35);
  assert.equal(clock.pending, 1);
});

test("a cancelled timer does not run, and cancelling twice does nothing", () => {
  const clock = new ManualClock();
  let runs = 0;
  const cancel = clock.after(10, () => runs++);
  cancel();
  cancel();
  clock.advance(10);
  assert.equal(runs, 0);
});
