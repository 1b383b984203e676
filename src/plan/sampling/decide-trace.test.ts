import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { decideTrace, probabilityOfThreshold } from "./decide-trace.ts";

const random = seededRandom(2);
const hex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random.next() * 16).toString(16)).join("");

for (const [threshold, probability] of [
  ["0", 1],
  ["8", 0.5],
  ["c", 0.25],
  ["e666", 0.1 - 2 ** -16 * 0.4 + 2 ** -16],
  ["ffffffffffffff", 2 ** -56],
] as const) {
  test(`thresholds: th:${threshold} keeps about ${probability}`, () => {
    assert.ok(Math.abs((probabilityOfThreshold(threshold) ?? 0) / probability - 1) < 1e-4);
  });
}

test("thresholds: what is none has no probability", () => {
  for (const text of ["", "0x8", "123456789012345", "G", "8 "]) assert.equal(probabilityOfThreshold(text), undefined);
});

test("traces: kept iff the randomness reaches the threshold; a lower probability keeps a part; counts are unbiased", () => {
  let [counted, kept] = [0, 0];
  for (let i = 0; i < 20_000; i++) {
    const id = hex(32);
    const { kept: few, adjustedCount, threshold } = decideTrace(id, 0.1);
    if (few) {
      counted += adjustedCount;
      kept++;
      assert.ok(decideTrace(id, 0.3).kept && id.slice(-14) >= threshold);
    }
    assert.ok(decideTrace(id, 1).kept && !decideTrace(id, 0).kept);
  }
  assert.ok(Math.abs(counted - 20_000) < 1_500 && kept < 2_200, String(counted));
  const edge = (rest: string): string => `${"1".repeat(18)}${rest}`;
  assert.deepEqual(
    ["80000000000000", "7fffffffffffff"].map((rest) => decideTrace(edge(rest), 0.5).kept),
    [true, false],
  );
});

test("traces: an id that is none and a probability that is none are refused", () => {
  for (const id of ["", "0".repeat(32), "A".repeat(32), "1".repeat(31)]) {
    assert.throws(() => decideTrace(id, 0.5), TypeError);
  }
  for (const probability of [-0.1, 1.1, Number.NaN]) {
    assert.throws(() => decideTrace("1".repeat(32), probability), TypeError);
  }
});
