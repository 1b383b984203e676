import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openSlotOrder, SLOTS } from "./slot-order.ts";

test("slot order: each rank has one slot and each slot one rank, for any id", () => {
  fc.assert(
    fc.property(fc.string(), (id) => {
      const order = openSlotOrder(id);
      const seen = new Uint8Array(SLOTS);
      for (let slot = 0; slot < SLOTS; slot++) {
        const rank = order.rankOf(slot);
        assert.equal(order.slotAt(rank), slot);
        seen[rank] = 1;
      }
      assert.equal(seen.indexOf(0), -1);
    }),
    { numRuns: 20 },
  );
});

test("slot order: of any two targets each ranks about half of the slots before the other", () => {
  const aPair = fc.tuple(fc.string(), fc.string()).filter(([one, other]) => one !== other);
  fc.assert(
    fc.property(aPair, ([one, other]) => {
      const [first, second] = [openSlotOrder(one), openSlotOrder(other)];
      let before = 0;
      for (let slot = 0; slot < SLOTS; slot++) before += first.rankOf(slot) < second.rankOf(slot) ? 1 : 0;
      assert.ok(Math.abs(before / SLOTS - 0.5) < 0.03, `${before / SLOTS}`);
    }),
    { numRuns: 200, seed: 1 },
  );
});
