import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { type Timer, Timers } from "./timers.ts";

function timer(fire: (nowMs: number) => void): Timer {
  return { heapIndex: -1, fire };
}

test("timers fire in the order of their times, each once, whatever was set, moved and cleared before", () => {
  const step = fc.record({
    kind: fc.constantFrom("set" as const, "clear" as const, "advance" as const),
    which: fc.nat(9),
    ms: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const clock = new ManualClock();
      const timers = new Timers(clock);
      const due = new Map<number, number>();
      const all = Array.from({ length: 10 }, (_, which) =>
        timer((nowMs) => {
          assert.equal(due.get(which), nowMs);
          assert.equal(Math.min(...due.values()), nowMs);
          due.delete(which);
        }),
      );
      for (const { kind, which, ms } of steps) {
        if (kind === "advance") {
          clock.advance(ms);
          assert.ok([...due.values()].every((dueMs) => dueMs > clock.nowMs()));
        } else if (kind === "clear") {
          due.delete(which);
          timers.clear(all[which]!);
        } else {
          due.set(which, clock.nowMs() + ms + 1);
          timers.set(all[which]!, clock.nowMs() + ms + 1);
        }
        assert.equal(clock.pending, due.size === 0 ? 0 : 1);
      }
    }),
  );
});

test("a timer may set itself and others while it fires", () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  const fired: [string, number][] = [];
  const other = timer((nowMs) => fired.push(["other", nowMs]));
  const self = timer((nowMs) => {
    fired.push(["self", nowMs]);
    if (fired.length < 3) timers.set(self, nowMs + 10);
    timers.set(other, nowMs + 15);
  });
  timers.set(self, 10);
  clock.advance(100);
  assert.deepEqual(fired, [
    ["self", 10],
    ["self", 20],
    ["self", 30],
    ["other", 45],
  ]);
});

test("a timer may be further away than one of the clock can be", () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  const fired: number[] = [];
  timers.set(
    timer((nowMs) => fired.push(nowMs)),
    5_000_000_000,
  );
  clock.advance(4_999_999_999);
  assert.deepEqual(fired, []);
  clock.advance(1);
  assert.deepEqual(fired, [5_000_000_000]);
  assert.equal(clock.pending, 0);
});

test("a time that has passed fires in the next turn of the clock, not within set", () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  clock.advance(50);
  const fired: number[] = [];
  timers.set(
    timer((nowMs) => fired.push(nowMs)),
    10,
  );
  assert.deepEqual(fired, []);
  clock.advance(0);
  assert.deepEqual(fired, [50]);
});
