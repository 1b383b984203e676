import assert from "node:assert/strict";
import { test } from "node:test";
import { dropOldest } from "./drop-oldest.ts";

test("of a map that has too many those that were put first are dropped, and it is said", () => {
  const some = new Map([1, 2, 3, 4].map((key) => [String(key), key] as const));
  assert.equal(dropOldest(some, 4), false);
  assert.equal(dropOldest(some, 2), true);
  assert.deepEqual([...some.keys()], ["3", "4"]);
});
