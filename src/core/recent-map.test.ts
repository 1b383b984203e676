import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentMap } from "./recent-map.ts";

test("recent map: no more than twice the limit is kept, and what was asked for lately is", () => {
  const map = new RecentMap<number>(10);
  map.set("wanted", -1);
  for (let i = 0; i < 1_000; i++) {
    map.set(`k${i}`, i);
    assert.equal(map.get("wanted"), -1);
    assert.ok(map.size <= 20);
  }
  assert.equal(map.get("k999"), 999);
  assert.equal(map.get("k1"), undefined);
});
