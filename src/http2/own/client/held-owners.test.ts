import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldOwners } from "./held-owners.ts";

test("each owner is released once, when what it owns has been written", () => {
  const held = new HeldOwners();
  const told: string[] = [];
  const owner = (name: string) => ({ retain: () => told.push(`+${name}`), release: () => told.push(`-${name}`) });
  held.hold(owner("a"), 30);
  held.hold(owner("b"), 10);
  held.hold(owner("c"), 20);
  assert.deepEqual(told.splice(0), ["+a", "+b", "+c"]);
  held.written(9);
  assert.deepEqual([told, held.size], [[], 3]);
  held.written(20);
  assert.deepEqual([told.splice(0), held.size], [["-b", "-c"], 1]);
  held.written(Infinity);
  held.written(Infinity);
  assert.deepEqual([told, held.size], [["-a"], 0]);
});
