import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "./store.ts";
import { Delivered } from "./delivered.ts";

const entry = (key: string, modified: bigint): Entry => {
  return { key, value: new Uint8Array(0), created: 1n, modified, session: undefined };
};
const keysOf = (entries: readonly Entry[]): string[] => entries.map(({ key }) => key);

test("what a watch told: the difference to a list is what is new, written again or gone", () => {
  const told = new Delivered();
  told.apply([entry("/a", 1n), entry("/b", 1n), entry("/c", 1n)], []);
  told.apply([entry("/b", 2n)], ["/c"]);
  const difference = told.turnInto({ entries: [entry("/b", 3n), entry("/d", 3n)] }, false);
  assert.deepEqual([keysOf(difference.puts), difference.deletes], [["/b", "/d"], ["/a"]]);
  const again = told.turnInto({ entries: [entry("/b", 3n), entry("/d", 3n)] }, false);
  assert.deepEqual([again.puts, again.deletes, told.size], [[], [], 2]);
});

test("what a watch told: of a store that began again all is told, also what has the same revision", () => {
  const told = new Delivered();
  told.apply([entry("/a", 1n), entry("/b", 1n)], []);
  const difference = told.turnInto({ entries: [entry("/a", 1n)] }, true);
  assert.deepEqual([keysOf(difference.puts), difference.deletes, told.size], [["/a"], ["/b"], 1]);
});
