import assert from "node:assert/strict";
import { test } from "node:test";
import type { ControllersFigures } from "./messages.ts";
import { sumCollectors, sumControllers } from "./sums.ts";

const ONE: ControllersFigures = {
  leads: ["a"],
  leadsFleet: false,
  collectors: 10,
  held: 9,
  looking: 2,
  refusedConnections: 3,
  renewals: 0,
  leastMarginMs: undefined,
  sessionsLost: 0,
  longestLoopMs: 20,
};

test("bench scale: of several processes the least margin and the longest turn count, and who renewed nothing has no margin", () => {
  const two = { ...ONE, leads: ["b"], leadsFleet: true, renewals: 4, leastMarginMs: 8_000, longestLoopMs: 5 };
  const three = { ...two, leads: [], leadsFleet: false, leastMarginMs: 7_000, sessionsLost: 1 };
  const sums = sumControllers([ONE, two, three]);
  assert.deepEqual(sums, {
    leads: ["a", "b"],
    leadsFleet: true,
    collectors: 30,
    held: 27,
    looking: 6,
    refusedConnections: 9,
    renewals: 8,
    leastMarginMs: 7_000,
    sessionsLost: 1,
    longestLoopMs: 20,
  });
  assert.equal(sumControllers([ONE]).leastMarginMs, undefined);
});

test("bench scale: of several processes the last collector that was heard counts", () => {
  const one = { following: 1, heard: 2, reports: 3, lost: 4, lastHeardMs: 100, looking: 5, fewestFound: undefined };
  const all = sumCollectors([
    { ...one, fewestFound: 64 },
    { ...one, lastHeardMs: 50, fewestFound: 63 },
  ]);
  assert.deepEqual(all, {
    following: 2,
    heard: 4,
    reports: 6,
    lost: 8,
    lastHeardMs: 100,
    looking: 10,
    fewestFound: 63,
  });
  assert.equal(sumCollectors([one]).fewestFound, undefined);
  assert.equal(sumCollectors([]).lastHeardMs, 0);
});
