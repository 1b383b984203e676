import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CountedList, MappedList, MANY_ITEMS } from "./recent-list.ts";

const MANY = Array.from({ length: MANY_ITEMS + 50 }, (_, i) => ({ name: `item ${i}` }));
const change = fc.record({ at: fc.nat(MANY.length), cut: fc.nat(3), put: fc.array(fc.string(), { maxLength: 3 }) });

test("mapped list: after any changes it is what is made of all items", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
      const list = new MappedList<{ readonly name: string }, string>();
      const make = ({ name }: { readonly name: string }): string => `made of ${name}`;
      let items: readonly { readonly name: string }[] = MANY;
      for (const { at, cut, put } of changes) {
        items = items.toSpliced(at, cut, ...put.map((name) => ({ name })));
        assert.deepEqual(list.of(items, make), items.map(make));
      }
    }),
    { numRuns: 50 },
  );
});

test("mapped list: of a list that differs in one item only that one is made anew", () => {
  const made: number[] = [];
  const list = new MappedList<object, number>();
  const make = (_: object, at: number): number => made.push(at);
  list.of(MANY, make);
  made.length = 0;
  const one = list.of(MANY.with(7, { name: "other" }), make);
  assert.deepEqual(made, [7]);
  assert.equal(list.of(MANY.with(7, MANY[8]!), make).length, one.length);
});

test("mapped list: who goes back to the list before is given what was made of it", () => {
  const list = new MappedList<object, object>();
  const first = list.of(MANY, () => ({}));
  const other = MANY.with(7, { name: "other" });
  const second = list.of(other, () => ({}));
  const fail = (): object => assert.fail("it was made");
  assert.ok(list.of(MANY, fail) === first);
  assert.ok(list.of(other, fail) === second);
});

test("mapped list: what could not be made is made with the next list", () => {
  const list = new MappedList<object, number>();
  list.of(MANY, (_, at) => at);
  const next = MANY.with(3, { name: "other" });
  const fail = (): number => {
    throw new Error("no");
  };
  assert.throws(() => list.of(next, fail), /no/u);
  assert.equal(list.of(next, () => -1)[3], -1);
});

test("counted list: after any changes each key has as many items as there are of it", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
      const list = new CountedList(({ name }: { readonly name: string }) => name.slice(0, 6));
      let items: readonly { readonly name: string }[] = MANY;
      for (const { at, cut, put } of changes) {
        items = items.toSpliced(at, cut, ...put.map((name) => ({ name })));
        const counts = new Map<string, number>();
        for (const { name } of items) counts.set(name.slice(0, 6), (counts.get(name.slice(0, 6)) ?? 0) + 1);
        assert.deepEqual(new Map(list.of(items)), counts);
      }
    }),
    { numRuns: 50 },
  );
});
