import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KnownShares } from "./known-shares.ts";
import type { Share } from "./record.ts";

test("what is known is that of the same rule with as many points, whatever came since", () => {
  const rule = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 100_000 }));
  const points = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 2_000_000 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(rule, points), { maxLength: 100 }), (pairs) => {
      const known = new KnownShares();
      for (const [at, of] of pairs) {
        const found = known.find(at, of);
        if (found !== undefined) assert.deepEqual(found, [shareOf(at, of)]);
        const shares = found ?? [shareOf(at, of)];
        if (found === undefined) known.keep(at, of, shares);
        assert.equal(known.find(at, of), shares);
      }
    }),
  );
});

function shareOf(rule: number, points: number): Share {
  return { rule: `r${rule}`, pool: "p", points, copied: false };
}
