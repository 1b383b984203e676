import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KnownShares } from "./known-shares.ts";
import { LedgerEntry } from "../../telemetry/ledger.ts";
import { CountedShare } from "./record.ts";

test("what is known is that of the same rule with as many points, whatever came since", () => {
  const rule = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 100_000 }));
  const points = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 2_000_000 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(rule, points), { maxLength: 100 }), (pairs) => {
      const known = new KnownShares();
      for (const [at, of] of pairs) {
        const found = known.find(at, of);
        if (found !== undefined) assert.deepEqual(found, shareOf(at, of));
        const share = found ?? shareOf(at, of);
        if (found === undefined) known.keep(at, of, share);
        assert.equal(known.find(at, of), share);
      }
    }),
  );
});

test("of a rule and points only what was kept for just these is found", () => {
  const known = new KnownShares();
  known.keep(7, 1, shareOf(7, 1));
  for (let other = 0; other < 20_000; other++) {
    assert.equal(known.find(other, 1) !== undefined, other === 7, `rule ${other}`);
    assert.equal(known.find(7, other) !== undefined, other === 1, `${other} points`);
  }
});

test("nearly all of 1,000 rules that come in turn, one of ten, are known when they come again", () => {
  const known = new KnownShares();
  let missed = 0;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1_000; i++) {
      const rule = 10 * i + 9;
      if (known.find(rule, 25) !== undefined) continue;
      if (round > 0) missed++;
      known.keep(rule, 25, shareOf(rule, 25));
    }
  }
  assert.ok(missed < 40, `${missed} of 2,000`);
});

function shareOf(rule: number, points: number): CountedShare {
  return new CountedShare(new LedgerEntry("traces", `r${rule}`, "p"), points, false);
}

test("a share is data, counts what it takes with its rule, and knows where; a copy of it as data does not", () => {
  const entry = new LedgerEntry("logs", "r", "p");
  const share = new CountedShare(entry, 7, false);
  share.receive();
  assert.equal(share.alone, share.alone);
  assert.deepEqual(share.alone, [share]);
  new CountedShare(entry, 2, true).receive();
  assert.deepEqual([entry.received, entry.copied], [7, 2]);
  const data = JSON.parse(JSON.stringify(share)) as CountedShare;
  assert.deepEqual(data, { rule: "r", pool: "p", points: 7, copied: false });
  assert.deepEqual([CountedShare.entryOf(share), CountedShare.entryOf(data)], [entry, undefined]);
});
