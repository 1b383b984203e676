import assert from "node:assert/strict";
import { test } from "node:test";
import { FLEET_BOUNDS } from "../../control/fleet/bounds.ts";
import { healthOf } from "./report-facts.ts";

const cases = [
  { ready: true, reason: "", want: { state: "healthy" } },
  { ready: false, reason: "no worker runs", want: { state: "unhealthy", reason: "no worker runs" } },
  { ready: false, reason: "x".repeat(10_000), want: { state: "unhealthy", reason: "x".repeat(FLEET_BOUNDS.reason) } },
];
for (const { want, ...readiness } of cases) {
  test(`a node that ${readiness.ready ? "can" : "cannot"} accept tells so: ${readiness.reason.slice(0, 20)}`, async () => {
    assert.deepEqual(await healthOf({ dataPlane: { ready: async () => readiness } }), want);
  });
}
