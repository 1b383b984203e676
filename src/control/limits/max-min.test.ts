import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { waterLevel, type WantedShare } from "./max-min.ts";

/** What each has, in the order of the parts. */
function maxMin(capacity: number, parts: readonly WantedShare[]): number[] {
  const level = waterLevel(capacity, parts);
  return parts.map(({ wanted, weight }) => Math.min(wanted, level * weight));
}

function evenly(...wanted: number[]): { readonly wanted: number; readonly weight: number }[] {
  return wanted.map((one) => ({ wanted: one, weight: 1 }));
}

test("max-min: what the small ones leave goes to the large ones", () => {
  assert.deepEqual(maxMin(120, evenly(1_000, 50, 10)), [60, 50, 10]);
  assert.deepEqual(maxMin(90, evenly(50, 50, 50)), [30, 30, 30]);
  assert.deepEqual(maxMin(100, evenly(10, 20)), [10, 20]);
  assert.equal(waterLevel(100, evenly(10, 20)), Number.POSITIVE_INFINITY);
  assert.deepEqual(maxMin(0, evenly(10)), [0]);
});

test("max-min: twice the weight is twice as much, up to what is wanted", () => {
  const parts = [
    { wanted: 100, weight: 1 },
    { wanted: 100, weight: 2 },
    { wanted: 5, weight: 7 },
  ];
  assert.deepEqual(maxMin(65, parts), [20, 40, 5]);
});

test("max-min: all of it is given out, or everybody has what it wants; nobody has more", () => {
  const part = fc.record({ wanted: fc.nat(1_000), weight: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.nat(3_000), fc.array(part, { minLength: 1, maxLength: 12 }), (capacity, parts) => {
      const shares = maxMin(capacity, parts);
      const sum = shares.reduce((all, one) => all + one, 0);
      const wanted = parts.reduce((all, one) => all + one.wanted, 0);
      assert.ok(Math.abs(sum - Math.min(capacity, wanted)) < 1e-6);
      const level = Math.max(...shares.map((share, i) => share / parts[i]!.weight));
      for (const [i, share] of shares.entries()) {
        const one = parts[i]!;
        assert.ok(share <= one.wanted + 1e-9);
        // Whoever has less than it wants has as much for its weight as anybody.
        if (share < one.wanted - 1e-6) assert.ok(share / one.weight >= level - 1e-6);
      }
    }),
  );
});
