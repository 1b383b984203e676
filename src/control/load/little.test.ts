import assert from "node:assert/strict";
import { test } from "node:test";
import { collectorsNeeded, neededConcurrency, timeInSystemMs, timeToDrainMs, timeToFullMs } from "./little.ts";

const flow = { free: 900, backlog: 100, arrivingPerSecond: 50, leavingPerSecond: 20 };
const slow = { ...flow, arrivingPerSecond: 20, leavingPerSecond: 45 };

const cases = [
  { name: "500 inside at 1,000 a second stay for half a second", got: timeInSystemMs(500, 1_000), want: 500 },
  { name: "where nothing flows nobody knows how long it takes", got: timeInSystemMs(500, 0), want: undefined },
  { name: "1,000 a second of 20 ms are 20 at the same time", got: neededConcurrency(1_000, 20), want: 20 },
  { name: "30 a second more than leave fill 900 places in 30 s", got: timeToFullMs(flow), want: 30_000 },
  { name: "a queue that gets less is never full", got: timeToFullMs(slow), want: undefined },
  { name: "25 a second more leave than arrive: 100 are gone in 4 s", got: timeToDrainMs(slow), want: 4_000 },
  { name: "a queue that grows is never empty", got: timeToDrainMs(flow), want: undefined },
  { name: "an empty queue is drained", got: timeToDrainMs({ ...flow, backlog: 0 }), want: 0 },
  {
    name: "100,000 a second of 1 ms in 64 places, of which 70 % may be used, are three collectors",
    got: collectorsNeeded({ perSecond: 100_000, serviceMs: 1, concurrency: 64 }),
    want: 3,
  },
  { name: "nothing to do is one", got: collectorsNeeded({ perSecond: 0, serviceMs: 1, concurrency: 1 }), want: 1 },
  {
    name: "without places none is enough",
    got: collectorsNeeded({ perSecond: 1, serviceMs: 1, concurrency: 0 }),
    want: undefined,
  },
];

for (const { name, got, want } of cases) {
  test(`Little's law: ${name}`, () => {
    assert.equal(got, want);
  });
}
