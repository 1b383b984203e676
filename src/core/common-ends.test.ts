import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commonEnds, commonItems } from "./common-ends.ts";
import { derivedList, knownCommon } from "./derived-list.ts";

const FEW = fc.array(fc.constantFrom("a", "b"), { maxLength: 12 });

test("lists have as much in common at both ends as can be seen one by one, and nothing twice", () => {
  fc.assert(
    fc.property(FEW, FEW, (a, b) => {
      const { head, tail } = commonItems(a, b);
      const most = Math.min(a.length, b.length);
      assert.deepEqual([a.slice(0, head), a.slice(a.length - tail)], [b.slice(0, head), b.slice(b.length - tail)]);
      assert.ok(head + tail <= most);
      assert.ok(head === most || a[head] !== b[head], "no more at the beginning");
      assert.ok(head + tail === most || a.at(-1 - tail) !== b.at(-1 - tail), "no more at the end");
    }),
  );
});

test("texts have what their characters have, also where they are longer than what is compared at once", () => {
  const filler = fc.constantFrom(0, 1, 4_095, 4_096, 4_097, 9_000).map((length) => "x".repeat(length));
  const part = fc.tuple(filler, FEW).map(([long, few]) => long + few.join(""));
  fc.assert(
    fc.property(part, part, part, part, (start, a, b, end) => {
      const [one, other] = [start + a + end, start + b + end];
      const { head, tail } = commonItems(Array.from(one), Array.from(other));
      assert.deepEqual(commonEnds(one, other), [head, tail]);
    }),
  );
});

const change = fc.record({ at: fc.nat(12), cut: fc.nat(3), put: FEW });

test("what is known of lists that were made of one another is so, and commonItems finds no less", () => {
  fc.assert(
    fc.property(FEW, fc.array(change, { maxLength: 6 }), fc.nat(6), fc.array(change, { maxLength: 2 }), (...given) => {
      const [first, changes, from, others] = given;
      const lists: (readonly string[])[] = [first];
      const make = (of: readonly string[], { at, cut, put }: (typeof changes)[number]): readonly string[] => {
        const start = Math.min(at, of.length);
        const next = derivedList(of, start, Math.min(cut, of.length - start), put);
        assert.deepEqual(next, of.toSpliced(start, cut, ...put));
        return next;
      };
      for (const one of changes) lists.push(make(lists.at(-1)!, one));
      let beside = lists[from % lists.length]!;
      for (const one of others) beside = make(beside, one);
      for (const list of lists) {
        const known = knownCommon(list, beside) ?? { head: 0, tail: 0 };
        assert.ok(known.head + known.tail <= Math.min(list.length, beside.length));
        assert.deepEqual(list.slice(0, known.head), beside.slice(0, known.head));
        assert.deepEqual(list.slice(list.length - known.tail), beside.slice(beside.length - known.tail));
        const { head, tail } = commonItems(list, beside);
        assert.equal(head + tail >= known.head + known.tail, true);
        assert.deepEqual(list.slice(0, head), beside.slice(0, head));
        assert.deepEqual(list.slice(list.length - tail), beside.slice(beside.length - tail));
      }
    }),
  );
});

test("of a list that was made of another it is known without a look at what is in it", () => {
  const items = Array.from({ length: 600 }, (_, i) => ({ i }));
  const next = derivedList(items, 300, 1, [{ i: -1 }]);
  assert.deepEqual(knownCommon(items, next), { head: 300, tail: 299 });
  assert.deepEqual(knownCommon(derivedList(next, 10, 1, []), derivedList(next, 500, 0, [{ i: -2 }])), {
    head: 10,
    tail: 100,
  });
  assert.deepEqual(knownCommon(items, derivedList(items, 0, 600, items)), { head: 0, tail: 0 });
  assert.equal(knownCommon(items, [...items]), undefined);
});
