import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openPartOwners } from "../../src/data/balance/part-owners.ts";
import { mix } from "../../src/data/balance/slot-order.ts";
import { MAX_ADDRESSES, NO_ADDRESSES, stepAddresses } from "../../src/data/resolve/address-book.ts";

const KEYS = 1_000;
const keys = Array.from({ length: KEYS }, (_, i) => mix(i + 1));
const VIEW = { usable: () => true, saturated: () => false, held: () => 0, totalHeld: 0 };

/** The address that each key belongs to. */
function ownersOf(addresses: readonly string[]): string[] {
  const parts = addresses.map((part) => ({ id: "gateways", weight: 1, part }));
  const owners = openPartOwners(parts);
  return keys.map((key) => parts[owners.ownerOf(key, VIEW)]!.part);
}

/** A share that is expected, and what chance adds to it: five standard deviations. */
function atMost(share: number): number {
  return share + 5 * Math.sqrt((share * (1 - share)) / KEYS);
}

// More than are used.
const anAddress = fc.integer({ min: 1, max: MAX_ADDRESSES + 16 }).map((n) => `10.0.0.${n}`);
const anAnswer = fc.uniqueArray(anAddress, { minLength: 1, maxLength: MAX_ADDRESSES + 16 });

test("whatever a name answers, keys move only to addresses that come and from those that go, and no more than their share", () => {
  fc.assert(
    fc.property(fc.array(anAnswer, { minLength: 2, maxLength: 6 }), (answers) => {
      let book = stepAddresses(NO_ADDRESSES, answers[0]!, "all");
      for (const answer of answers.slice(1)) {
        const was = book.known.map(({ address }) => address);
        book = stepAddresses(book, answer, "all");
        const is = book.known.map(({ address }) => address);
        const [gone, come] = [was.filter((one) => !is.includes(one)), is.filter((one) => !was.includes(one))];
        const [before, after] = [ownersOf(was), ownersOf(is)];
        const moved = keys.flatMap((_, i) => (before[i] === after[i] ? [] : [i]));
        assert.ok(moved.every((i) => gone.includes(before[i]!) || come.includes(after[i]!)));
        const share = gone.length / was.length + come.length / is.length;
        assert.ok(moved.length / KEYS <= atMost(Math.min(1, share)), `${moved.length} of ${KEYS}, ${share}`);
      }
    }),
    { numRuns: 10 },
  );
});

test("one of n addresses more or less moves 1/n of the keys, and a little", () => {
  for (const n of [2, 3, 10, MAX_ADDRESSES]) {
    const all = Array.from({ length: n }, (_, i) => `10.0.1.${i}`);
    const before = ownersOf(all);
    for (const gone of all.slice(0, 5)) {
      const after = ownersOf(all.filter((one) => one !== gone));
      const moved = keys.flatMap((_, i) => (before[i] === after[i] ? [] : [i]));
      assert.ok(moved.every((i) => before[i] === gone));
      assert.ok(moved.length / KEYS <= atMost(1 / n), `${moved.length} of ${KEYS} keys with ${n} addresses`);
    }
  }
});
