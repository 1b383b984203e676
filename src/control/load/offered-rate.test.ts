import assert from "node:assert/strict";
import { test } from "node:test";
import { isNewsOfRate, NOTHING_TOLD, type OfferedRate, rateTold } from "./offered-rate.ts";

const told = rateTold(1_000, 10_000);
const cases: { name: string; told: OfferedRate; rate: number; nowMs: number; want: boolean }[] = [
  { name: "the first rate is news", told: NOTHING_TOLD, rate: 0, nowMs: 0, want: true },
  { name: "25 % more is none yet", told, rate: 1_250, nowMs: 20_000, want: false },
  { name: "more than 25 % more is", told, rate: 1_251, nowMs: 20_000, want: true },
  { name: "more than 25 % less is", told, rate: 749, nowMs: 20_000, want: true },
  { name: "nothing is", told, rate: 0, nowMs: 20_000, want: true },
  { name: "within a second of the last Report nothing is", told, rate: 9_000, nowMs: 10_999, want: false },
  { name: "after a second it is", told, rate: 9_000, nowMs: 11_000, want: true },
  { name: "a few items more than none are none", told: rateTold(0, 0), rate: 9, nowMs: 20_000, want: false },
  { name: "ten are", told: rateTold(0, 0), rate: 10, nowMs: 20_000, want: true },
];

for (const { name, told: before, rate, nowMs, want } of cases) {
  test(`offered rate: ${name}`, () => {
    assert.equal(isNewsOfRate(before, rate, nowMs), want);
  });
}

test("offered rate: a load that jumps each second is told at most once a second, and each new level once", () => {
  let state = NOTHING_TOLD;
  const sent: number[] = [];
  for (let ms = 0; ms < 10_000; ms += 100) {
    const rate = ms < 5_000 ? (Math.floor(ms / 1_000) % 2 === 0 ? 1_000 : 5_000) : 5_000;
    if (!isNewsOfRate(state, rate, ms)) continue;
    state = rateTold(rate, ms);
    sent.push(ms);
  }
  assert.deepEqual(sent, [0, 1_000, 2_000, 3_000, 4_000, 5_000]);
});
