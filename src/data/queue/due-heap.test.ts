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
