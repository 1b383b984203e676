import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IndexHeap } from "./index-heap.ts";

test("index heap: after any changes the top is the lowest key, and among equals the lowest number", () => {
  const aChange = fc.tuple(fc.nat(9), fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }));
  fc.assert(
    fc.property(fc.array(aChange), (changes) => {
      const heap = new IndexHeap(10);
      const keys = new Map<number, number>();
      for (const [index, key] of changes) {
        if (key === undefined) {
          heap.remove(index);
          keys.delete(index);
        } else {
          heap.set(index, key);
          keys.set(index, key);
        }
        const [first = -1] = [...keys.keys()].toSorted((a, b) => keys.get(a)! - keys.get(b)! || a - b);
        assert.deepEqual([heap.top, heap.length], [first, keys.size]);
        assert.equal(heap.has(index), keys.has(index));
        if (key !== undefined) assert.equal(heap.keyOf(index), key);
      }
    }),
  );
});
