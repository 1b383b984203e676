import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { checkRandomness, mergeRandomness, RANDOMNESS_BUCKETS } from "./randomness-check.ts";

const random = seededRandom(3);

function drawn(count: number, value: () => number): number[] {
  const buckets = Array.from({ length: RANDOMNESS_BUCKETS }, () => 0);
  for (let i = 0; i < count; i++) buckets[Math.floor(value() * RANDOMNESS_BUCKETS)]!++;
  return buckets;
}

test("randomness: what is even is told so, also when each value comes some times in a row", () => {
  for (let i = 0; i < 200; i++) {
    assert.equal(checkRandomness(drawn(1_000 + 100 * i, () => random.next())).verdict, "uniform");
  }
  const thrice = drawn(1_000, () => random.next()).map((count) => 3 * count);
  assert.equal(checkRandomness(thrice).verdict, "uniform");
});

const skewed = [
  ["ids that end in zeros", () => 0],
  ["a head sampler that keeps small ids, of one span in ten", () => random.next() / 10],
  ["ids that count up in their last bytes", () => random.next() / 1_000],
  ["ids of which one bit is never set", () => random.next() / 2],
  ["a third of all ids that end in zeros", () => (random.next() < 1 / 3 ? 0 : random.next())],
] as const;
for (const [name, value] of skewed) {
  test(`randomness: ${name} are skewed, and few spans tell nothing`, () => {
    assert.equal(checkRandomness(drawn(1_000, value)).verdict, "skewed");
    assert.equal(checkRandomness(drawn(999, value)).verdict, "unknown");
  });
}

test("randomness: chi-square and distance are those of a sum by hand; nothing seen is nothing known", () => {
  const { seen, chiSquare, distance, largest } = checkRandomness([100, ...Array.from({ length: 15 }, () => 20)]);
  assert.deepEqual([seen, chiSquare, distance, largest], [400, 240, 0.1875, { bucket: 0, share: 0.25 }]);
  assert.deepEqual(checkRandomness([0, 0]), {
    verdict: "unknown",
    seen: 0,
    chiSquare: 0,
    distance: 0,
    largest: { bucket: 0, share: 0 },
  });
});

test("randomness: what several processes have seen adds up by service", () => {
  const merged = mergeRandomness([
    [{ service: "a", buckets: [1, 2] }],
    [
      { service: "a", buckets: [3, 4] },
      { service: "b", buckets: [0, 1] },
    ],
  ]);
  assert.deepEqual(merged, [
    { service: "a", buckets: [4, 6] },
    { service: "b", buckets: [0, 1] },
  ]);
});
