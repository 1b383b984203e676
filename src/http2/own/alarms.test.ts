import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type Alarm, Alarms } from "./alarms.ts";

function alarm(ring: (nowMs: number) => void): Alarm {
  return { dueMs: 0, heapIndex: -1, ring };
}

test("alarms ring in the order of their times, each once, whatever was set, moved and cleared before", () => {
  const step = fc.record({
    kind: fc.constantFrom("set" as const, "clear" as const, "advance" as const),
    which: fc.nat(9),
    ms: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const clock = new ManualClock();
      const alarms = new Alarms(clock);
      const due = new Map<number, number>();
      const all = Array.from({ length: 10 }, (_, which) =>
        alarm((nowMs) => {
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
          alarms.clear(all[which]!);
        } else {
          due.set(which, clock.nowMs() + ms + 1);
          alarms.set(all[which]!, clock.nowMs() + ms + 1);
        }
        assert.equal(clock.pending, due.size === 0 ? 0 : 1);
      }
    }),
  );
});

test("an alarm may set itself and others while it rings", () => {
  const clock = new ManualClock();
  const alarms = new Alarms(clock);
  const rung: [string, number][] = [];
  const other = alarm((nowMs) => rung.push(["other", nowMs]));
  const self = alarm((nowMs) => {
    rung.push(["self", nowMs]);
    if (rung.length < 3) alarms.set(self, nowMs + 10);
    alarms.set(other, nowMs + 15);
  });
  alarms.set(self, 10);
  clock.advance(100);
  assert.deepEqual(rung, [
    ["self", 10],
    ["self", 20],
    ["self", 30],
    ["other", 45],
  ]);
});

test("an alarm may be further away than a timer can be", () => {
  const clock = new ManualClock();
  const alarms = new Alarms(clock);
  const rung: number[] = [];
  alarms.set(
    alarm((nowMs) => rung.push(nowMs)),
    5_000_000_000,
  );
  clock.advance(4_999_999_999);
  assert.deepEqual(rung, []);
  clock.advance(1);
  assert.deepEqual(rung, [5_000_000_000]);
  assert.equal(clock.pending, 0);
});

test("a time that has passed rings in the next turn of the clock, not within set", () => {
  const clock = new ManualClock();
  const alarms = new Alarms(clock);
  clock.advance(50);
  const rung: number[] = [];
  alarms.set(
    alarm((nowMs) => rung.push(nowMs)),
    10,
  );
  assert.deepEqual(rung, []);
  clock.advance(0);
  assert.deepEqual(rung, [50]);
});
