import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commonEnds, commonItems } from "./common-ends.ts";

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
