import assert from "node:assert/strict";
import test from "node:test";
import { fromDirective, readDegradationDirective, toDirective } from "./degradation-directive.ts";
import type { FleetDegradation } from "./fleet-degradation.ts";

const STATE: FleetDegradation = {
  isDegraded: true,
  reason: { kind: "load", load: 0.875, node: "n7" },
  sinceMs: 10_000,
  untilMs: 70_000,
  dwellMs: 60_000,
  leftMs: 5_000,
  manual: undefined,
  keptBefore: 0.25,
};

test("degradation: a leader goes on from what the one before has written, by clocks of its own", () => {
  const body = JSON.stringify(toDirective(STATE, 0.01, { nowMs: 20_000, wallMs: 1_750_000_000_000 }));
  const read = readDegradationDirective(body);
  assert.ok(read !== undefined);
  assert.deepEqual(fromDirective(read, { nowMs: 120_000, wallMs: 1_750_000_000_000 }), {
    ...STATE,
    sinceMs: 110_000,
    untilMs: 170_000,
    leftMs: 105_000,
  });
});

test("degradation: what cannot be read is none, and fields of a later version are left out", () => {
  assert.equal(readDegradationDirective("{"), undefined);
  assert.equal(readDegradationDirective('{"degraded":1}'), undefined);
  const more = { ...toDirective(STATE, 0.01, { nowMs: 0, wallMs: 1e12 }), later: 1 };
  assert.equal(readDegradationDirective(JSON.stringify(more))?.target_rate, 0.01);
});
