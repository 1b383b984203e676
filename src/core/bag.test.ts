import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Bag } from "./bag.ts";

class Item {
  bagIndex = -1;
}

test("a bag holds what a set would hold, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 9 }))), (steps) => {
      const items = Array.from({ length: 10 }, () => new Item());
      const bag = new Bag<Item>();
      const set = new Set<Item>();
      for (const [adds, i] of steps) {
        const item = items[i]!;
        if (!adds) assert.equal(bag.delete(item), set.delete(item));
        else if (!set.has(item)) {
          bag.add(item);
          set.add(item);
        }
        assert.equal(bag.size, set.size);
      }
      const seen: Item[] = [];
      bag.forEach((item) => seen.push(item));
      assert.deepEqual(new Set(seen), set);
      assert.equal(seen.length, set.size);
    }),
  );
});

test("a bag that is emptied while it is visited: nobody is missed, and nobody visited who was gone", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat({ max: 7 })), { minLength: 8, maxLength: 8 }), (plan) => {
      const items = plan.map(() => new Item());
      const bag = new Bag<Item>();
      for (const item of items) bag.add(item);
      const gone = new Set<Item>();
      const seen = new Set<Item>();
      bag.forEach((item) => {
        assert.ok(!gone.has(item));
        seen.add(item);
        for (const i of plan[items.indexOf(item)]!) {
          if (bag.delete(items[i]!)) gone.add(items[i]!);
        }
      });
      for (const item of items) assert.ok(seen.has(item) || gone.has(item));
    }),
  );
});
