import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SumTree } from "./sum-tree.ts";

test("sum tree: a share of the sum finds the number that covers it, for any weights", () => {
  const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(weights, fc.integer({ min: 0, max: 999 }), (some, thousandths) => {
      const tree = new SumTree(some.length);
      for (const [i, weight] of some.entries()) tree.set(i, weight);
      const total = some.reduce((sum, weight) => sum + weight, 0);
      assert.equal(tree.total, total);
      const share = thousandths / 1_000;
      let left = share * total;
      const want = some.findIndex((weight) => (left -= weight) < 0);
      assert.equal(tree.find(share), want);
    }),
  );
});

test("sum tree: what has no weight is not found, whatever rounding does", () => {
  const weights = fc.array(fc.constantFrom(0, 0.1, 1 / 3, 1e-9, 1e9), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(weights, (some) => {
      const tree = new SumTree(some.length);
      for (const [i, weight] of some.entries()) tree.set(i, weight);
      for (const share of [0, 0.5, 1 - 2 ** -53]) {
        const found = tree.find(share);
        if (some.every((weight) => weight === 0)) assert.equal(found, -1);
        else assert.ok(some[found]! > 0, `${found}`);
      }
    }),
  );
});
