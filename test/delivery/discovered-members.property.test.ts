import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLEET_BOUNDS } from "../../src/control/fleet/bounds.ts";
import { findMembers } from "../support/fleet/find-members.ts";
import { openPartOwners } from "../../src/data/balance/part-owners.ts";
import { mix } from "../../src/data/balance/slot-order.ts";
import { reportOf } from "../support/fleet/reports.ts";

const KEYS = 1_000;
const keys = Array.from({ length: KEYS }, (_, i) => mix(i + 1));
const VIEW = { usable: () => true, saturated: () => false, held: () => 0, totalHeld: 0 };
const GATEWAYS = { region: "eu", tags: { tier: "gateway" }, listener: "otlp_grpc" };

/** A node as it reports, at one of several places. */
interface Reported {
  readonly id: string;
  readonly port: number;
  readonly tier: string;
  readonly isHealthy: boolean;
}

/** Whom a controller tells of, whatever the order in which they report. */
function found(all: readonly Reported[]): string[] {
  const known = all.map(({ id, port, tier, isHealthy }) => {
    const health = { state: isHealthy ? ("healthy" as const) : ("unhealthy" as const), reason: "" };
    const report = reportOf(id, { addresses: { otlpGrpc: `10.0.0.1:${port}` }, tags: { tier }, health });
    return { report, state: "live" as const, seenMs: 0, firstSeenMs: 0, reports: 1 };
  });
  return findMembers(known, GATEWAYS).members.map(({ id }) => id);
}

function ownersOf(ids: readonly string[]): string[] {
  const parts = ids.map((part) => ({ id: "gateways", weight: 1, part }));
  const owners = openPartOwners(parts);
  return keys.map((key) => parts[owners.ownerOf(key, VIEW)]!.part);
}

/** A share that is expected, and what chance adds to it: five standard deviations. */
function atMost(share: number): number {
  return share + 5 * Math.sqrt((share * (1 - share)) / KEYS);
}

// More than are used.
const aNode = fc.record({
  id: fc.integer({ min: 1, max: FLEET_BOUNDS.found + 16 }).map((n) => `gateway-${n}`),
  port: fc.integer({ min: 1, max: 3 }),
  tier: fc.constantFrom("gateway", "gateway", "gateway", "small"),
  isHealthy: fc.boolean(),
});
const aFleet = fc.uniqueArray(aNode, { selector: ({ id }) => id, maxLength: FLEET_BOUNDS.found + 16 });

test("whoever comes, goes, moves or is unhealthy: keys move only to members that come and from those that go, and no more than their share", () => {
  fc.assert(
    fc.property(fc.array(aFleet, { minLength: 2, maxLength: 6 }), (fleets) => {
      for (const [i, fleet] of fleets.slice(1).entries()) {
        const [was, is] = [found(fleets[i]!), found(fleet.toReversed())];
        assert.ok(is.length <= FLEET_BOUNDS.found);
        assert.deepEqual(is, found(fleet));
        if (was.length === 0 || is.length === 0) continue;
        const [gone, come] = [was.filter((one) => !is.includes(one)), is.filter((one) => !was.includes(one))];
        const [before, after] = [ownersOf(was), ownersOf(is)];
        const moved = keys.flatMap((_, key) => (before[key] === after[key] ? [] : [key]));
        assert.ok(moved.every((key) => gone.includes(before[key]!) || come.includes(after[key]!)));
        const share = gone.length / was.length + come.length / is.length;
        assert.ok(moved.length / KEYS <= atMost(Math.min(1, share)), `${moved.length} of ${KEYS}, ${share}`);
      }
    }),
    { numRuns: 10 },
  );
});
