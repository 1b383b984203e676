import assert from "node:assert/strict";
import { test } from "node:test";
import { guardShares, ownShare } from "./guard-shares.ts";

test("guard shares: who receives more may keep more, and all together no more than the node", () => {
  assert.deepEqual(guardShares([0, 0]), [0.5, 0.5]);
  const shares = guardShares([900, 100, 0, 0]);
  assert.deepEqual(
    shares.map((share) => Number(share.toFixed(3))),
    [0.77, 0.13, 0.05, 0.05],
  );
  assert.ok(Math.abs(shares.reduce((sum, one) => sum + one, 0) - 1) < 1e-12);
});

test("guard shares: what is not bound stays so, and rates are the same for all", () => {
  const state = { traces: [], logs: [] };
  assert.equal(ownShare({ state, shares: [0.5, 0.5] }, 0), state);
  const bound = { keptPerSecond: 200, highestRate: 0.5 };
  assert.deepEqual(ownShare({ state: { ...state, bound }, shares: [0.75, 0.25] }, 1).bound, {
    keptPerSecond: 50,
    highestRate: 0.5,
  });
});
