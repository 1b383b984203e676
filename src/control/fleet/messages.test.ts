import assert from "node:assert/strict";
import { test } from "node:test";
import { FLEET_BOUNDS } from "./bounds.ts";
import { CollectorLoadSchema } from "./messages.ts";

test("a load beyond all measure counts as the most that a node may say, so that sums stay numbers", () => {
  const { items_per_second: items, queue_items: queued } = CollectorLoadSchema.parse({
    items_per_second: 1e308,
    queue_items: 7,
  });
  assert.deepEqual([items, queued], [FLEET_BOUNDS.quantity, 7]);
  assert.equal(CollectorLoadSchema.safeParse({ items_per_second: -1 }).success, false);
});
