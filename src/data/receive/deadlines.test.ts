import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { answerWithinMs, Deadlines, type Expiring } from "./deadlines.ts";

test("each entry expires once, never early and at most the least tick late, unless it was forgotten", () => {
  const entry = fc.record({ startMs: fc.nat(2_000), waitMs: fc.nat(2_000), forgottenMs: fc.option(fc.nat(4_000)) });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const clock = new ManualClock();
      const deadlines = new Deadlines(clock, () => -Infinity);
      const expired = entries.map(() => [] as number[]);
      for (const [i, { startMs, waitMs, forgottenMs }] of entries.entries()) {
        const watched: Expiring = {
          heapIndex: -1,
          deadlineMs: startMs + waitMs,
          fire: () => expired[i]?.push(clock.nowMs()),
          isSlow: () => true,
          evict: () => assert.fail("nobody was refused"),
        };
        clock.after(startMs, () => deadlines.watch(watched));
        if (forgottenMs !== null) clock.after(startMs + forgottenMs, () => deadlines.forget(watched));
      }
      clock.advance(10_000);
      for (const [i, { startMs, waitMs, forgottenMs }] of entries.entries()) {
        const times = expired[i] ?? [];
        const dueMs = startMs + waitMs;
        assert.ok(times.length <= 1);
        for (const time of times) assert.ok(time >= dueMs && time <= dueMs + 10);
        if (forgottenMs === null || forgottenMs > waitMs + 10) assert.equal(times.length, 1);
        if (forgottenMs !== null && forgottenMs < waitMs) assert.equal(times.length, 0);
      }
    }),
  );
});

test("no timer waits when there is nothing to watch", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock, () => -Infinity);
  const entry: Expiring = { heapIndex: -1, deadlineMs: 1_000, fire: () => {}, isSlow: () => false, evict: () => {} };
  deadlines.watch(entry);
  assert.equal(clock.pending, 1);
  deadlines.forget(entry);
  clock.advance(200);
  assert.equal(clock.pending, 0);
});

test("what is slow is evicted, once, within a tick of somebody being refused, and not before", () => {
  const clock = new ManualClock();
  let refusedMs = -Infinity;
  const deadlines = new Deadlines(clock, () => refusedMs);
  const gone: string[] = [];
  const entry = (name: string, isSlow: boolean): Expiring => ({
    heapIndex: -1,
    deadlineMs: 10_000,
    fire: () => gone.push(`${name} expired`),
    isSlow: () => isSlow,
    evict: () => gone.push(name),
  });
  deadlines.watch(entry("slow", true));
  deadlines.watch(entry("fast", false));
  clock.advance(5_000);
  assert.deepEqual(gone, []);
  refusedMs = clock.nowMs();
  clock.advance(200);
  assert.deepEqual(gone, ["slow"]);
  clock.advance(10_000);
  assert.deepEqual(gone, ["slow", "fast expired"]);
});

const margins = [
  { senderMs: 10_000, withinMs: 9_500 },
  { senderMs: 5_000, withinMs: 4_500 },
  { senderMs: 1_000, withinMs: 900 },
  { senderMs: 10, withinMs: 9 },
  { senderMs: 3_600_000, withinMs: 3_599_500 },
];
for (const { senderMs, withinMs } of margins) {
  test(`a sender that gives up after ${senderMs} ms is answered within ${withinMs} ms`, () => {
    assert.equal(answerWithinMs(senderMs), withinMs);
  });
}

test("ticks are no more frequent than the least tick, whatever deadlines there are", () => {
  const clock = new ManualClock();
  let timers = 0;
  const counting = {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    after: (delayMs: number, run: () => void) => clock.after(delayMs, () => (timers++, run())),
  };
  const deadlines = new Deadlines(counting, () => -Infinity);
  for (let i = 0; i < 1_000; i++) {
    const entry = { heapIndex: -1, deadlineMs: i / 10, fire: () => {}, isSlow: () => false, evict: () => {} };
    deadlines.watch(entry);
  }
  clock.advance(1_000);
  assert.ok(timers <= 21, `${timers} ticks for 100 ms of deadlines`);
});
