import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DueHeap } from "./due-heap.ts";

test("due heap: what is due comes out by time, equal times in the order they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 100 }), fc.nat(20), (times, nowMs) => {
      const heap = new DueHeap<readonly [number, number]>();
      for (const [i, dueMs] of times.entries()) heap.push(dueMs, [dueMs, i]);
      const want = times.map((dueMs, i) => [dueMs, i] as const).filter(([dueMs]) => dueMs <= nowMs);
      want.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.equal(heap.nextMs, Math.min(Infinity, ...times));
      for (const one of want) assert.deepEqual(heap.popDue(nowMs), one);
      assert.equal(heap.popDue(nowMs), undefined);
      assert.equal(heap.length, times.length - want.length);
    }),
  );
});

test("due heap: what is taken out before its time is gone, once, and the others keep their order", () => {
  const times = fc.array(fc.nat(20), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(times, fc.nat(), (all, chosen) => {
      const heap = new DueHeap<readonly [number, number]>();
      const entries = all.map((dueMs, i) => [dueMs, i] as const);
      for (const entry of entries) heap.push(entry[0], entry);
      const gone = entries[chosen % entries.length]!;
      assert.deepEqual([heap.remove(gone), heap.remove(gone)], [true, false]);
      const want = entries.filter((entry) => entry !== gone).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.deepEqual(
        want.map(() => heap.popDue(20)),
        want,
      );
      assert.equal(heap.length, 0);
    }),
  );
});
