import assert from "node:assert/strict";
import { test } from "node:test";
import { Meter } from "./meter.ts";

test("meter: a rate is that of the last whole second; what rises is told at once, what falls two seconds later", () => {
  const meter = new Meter();
  meter.add(100, 5_000);
  assert.equal(meter.perSecond(5_500), 0);
  assert.equal(meter.peak(5_500), 100);
  assert.equal(meter.perSecond(6_000), 100);
  meter.add(10, 6_100);
  assert.equal(meter.peak(6_200), 100);
  assert.equal(meter.perSecond(7_000), 10);
  assert.equal(meter.peak(7_999), 100);
  assert.equal(meter.peak(8_000), 10);
  assert.equal(meter.perSecond(8_000), 0);
  assert.equal(meter.total, 110);
});

test("meter: after a pause nothing of before is told", () => {
  const meter = new Meter();
  meter.add(100, 0);
  assert.deepEqual([meter.perSecond(2_249), meter.peak(2_249), meter.peak(2_250)], [0, 100, 0]);
  assert.deepEqual([meter.perSecond(90_000), meter.peak(90_000)], [0, 0]);
  meter.add(5, 90_000);
  assert.equal(meter.perSecond(91_000), 5);
});
