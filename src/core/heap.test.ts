import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Heap, type HeapItem, IndexHeap } from "./heap.ts";

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

test("index heap: a copy goes its own way, and a heap that grows keeps what it has", () => {
  const heap = new IndexHeap(2);
  heap.set(0, 2);
  heap.set(1, 1);
  const copy = heap.copy();
  heap.grow(3);
  heap.set(2, 0);
  copy.remove(1);
  assert.deepEqual([heap.top, heap.length, copy.top, copy.length], [2, 3, 0, 1]);
});

interface Thing extends HeapItem {
  readonly key: number;
  readonly came: number;
}

function thing(key: number, came: number): Thing {
  return { heapIndex: -1, key, came };
}

test("heap: things come out by key, equal keys in the order they came in, also when some are taken out before", () => {
  const keys = fc.array(fc.nat(20), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(keys, fc.nat(), (all, chosen) => {
      const heap = new Heap<Thing>();
      const things = all.map(thing);
      for (const one of things) heap.set(one, one.key);
      const gone = things[chosen % things.length]!;
      assert.deepEqual([heap.remove(gone), heap.remove(gone)], [true, false]);
      assert.equal(new Heap<Thing>().remove(things.at(-1)!), false, "it is not in that one");
      const late = thing(10, things.length);
      heap.set(late, late.key); // it has the number of the one that is gone
      const want = [...things, late].filter((one) => one !== gone).toSorted((a, b) => a.key - b.key || a.came - b.came);
      for (const [i, one] of want.entries()) {
        assert.deepEqual([heap.size, heap.first, heap.firstKey], [want.length - i, one, one.key]);
        heap.remove(one);
      }
      assert.deepEqual([heap.size, heap.first, heap.firstKey], [0, undefined, Infinity]);
    }),
  );
});

test("heap: a walk meets what is there and was not taken out before; thousands that are gone leave no trace", () => {
  const heap = new Heap<Thing>();
  const things = Array.from({ length: 5_000 }, (_, i) => thing(i, i));
  for (const one of things) heap.set(one, one.key);
  let seen = 0;
  for (const one of heap) {
    seen++;
    heap.remove(one);
    const next = things[one.came - 1];
    if (next !== undefined && one.came % 2 === 1) heap.remove(next);
  }
  assert.deepEqual([seen, heap.size], [2_500, 0]);
  assert.ok(things.every(({ heapIndex }) => heapIndex === -1));
  const [first] = things;
  heap.set(first!, 1);
  assert.deepEqual([first!.heapIndex, heap.first], [0, first]);
});
