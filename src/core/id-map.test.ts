import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { IdMap } from "./id-map.ts";

/** Few, so that they meet each other, and spread so that they share slots. */
const ID = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 20 }).map((i) => 256 * i + 1),
);
const STEPS = fc.array(fc.tuple(fc.constantFrom("set", "delete", "get"), ID), { maxLength: 300 });

test("an id map says what a map would say", () => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      const ours = new IdMap<object>();
      const map = new Map<number, object>();
      for (const [what, id] of steps) {
        const value = { id };
        if (what === "set") {
          ours.set(id, value);
          map.set(id, value);
        } else if (what === "delete") assert.equal(ours.delete(id), map.delete(id));
        else assert.equal(ours.get(id), map.get(id));
        assert.equal(ours.size, map.size);
      }
      const sorted = [...map].toSorted(([a], [b]) => a - b).map(([, value]) => value);
      assert.deepEqual([...ours.values()], sorted);
      for (const [id, value] of map) assert.equal(ours.get(id), value);
    }),
  );
});

test("an id map: what is deleted while the values are visited is not visited; what is added is not, either", () => {
  const map = new IdMap<{ id: number }>();
  for (let id = 1; id < 40; id += 2) map.set(id, { id });
  const seen: number[] = [];
  for (const { id } of map.values()) {
    seen.push(id);
    map.delete(id);
    map.delete(id + 2);
    map.set(id + 100, { id: id + 100 });
  }
  assert.deepEqual(seen, [1, 5, 9, 13, 17, 21, 25, 29, 33, 37]);
});

test("an id map: the highest identifier, and a clear one", () => {
  const map = new IdMap<object>();
  const value = {};
  map.set(0x7fff_ffff, value);
  assert.equal(map.get(0x7fff_ffff), value);
  for (let id = 1; id < 1_000; id += 2) map.set(id, value);
  map.clear();
  assert.equal(map.size, 0);
  assert.deepEqual([...map.values()], []);
  assert.equal(map.delete(1), false);
});
