import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../store.ts";
import { type ListingChanges, DeliveredListing } from "./listing-changes.ts";

function entry(key: string, modified: number, value = "", created = modified): Entry {
  return { key, value: Buffer.from(value), created: BigInt(created), modified: BigInt(modified), session: undefined };
}

const A = entry("/a", 10, "a");
const B = entry("/b", 12, "b");

interface Turn {
  readonly name: string;
  readonly before: readonly [readonly Entry[], number];
  readonly now: readonly [readonly Entry[], number];
  readonly want: Omit<ListingChanges, "puts"> & { readonly puts: readonly string[] };
}

const TURNS: readonly Turn[] = [
  { name: "nothing new", before: [[A, B], 12], now: [[A, B], 12], want: { puts: [], deletes: [], isWiped: false } },
  {
    name: "a put, a rewrite and a deletion come together",
    before: [[A, B], 12],
    now: [[entry("/b", 20, "b", 12), entry("/c", 20)], 21],
    want: { puts: ["/b", "/c"], deletes: ["/a"], isWiped: false },
  },
  {
    name: "an index that goes back because a deletion is forgotten changes nothing",
    before: [[A], 30],
    now: [[A], 10],
    want: { puts: [], deletes: [], isWiped: false },
  },
  {
    name: "an index that goes back, with a deletion that was not seen, is no wiped store",
    before: [[A, B], 30],
    now: [[A], 10],
    want: { puts: [], deletes: ["/b"], isWiped: false },
  },
  {
    name: "a store that has less than it had, at an index before, was wiped, and all that is there is told",
    before: [[A, B], 30],
    now: [[A, entry("/c", 11)], 11],
    want: { puts: ["/a", "/c"], deletes: ["/b"], isWiped: true },
  },
  {
    name: "an empty store at an index before was wiped",
    before: [[], 30],
    now: [[], 5],
    want: { puts: [], deletes: [], isWiped: true },
  },
  {
    name: "a wiped store that is further than before is known by what was written before",
    before: [[A, B], 12],
    now: [[entry("/a", 11, "a"), entry("/z", 40)], 40],
    want: { puts: ["/a", "/z"], deletes: ["/b"], isWiped: true },
  },
  {
    name: "a wiped store that has come to the same indexes is known by its values",
    before: [[A, B], 12],
    now: [[A, entry("/b", 12, "other")], 12],
    want: { puts: ["/a", "/b"], deletes: [], isWiped: true },
  },
];
for (const { name, before, now, want } of TURNS) {
  test(`consul watch: ${name}`, () => {
    const told = new DeliveredListing(before[0], BigInt(before[1]));
    const { puts, deletes, isWiped } = told.turnInto(now[0], BigInt(now[1]));
    assert.deepEqual({ puts: puts.map(({ key }) => key), deletes, isWiped }, want);
    assert.equal(told.revision, BigInt(isWiped ? now[1] : Math.max(before[1], now[1])));
  });
}

test("consul watch: what was told once is not told again", () => {
  const told = new DeliveredListing([A], 10n);
  told.turnInto([A, B], 12n);
  assert.deepEqual(told.turnInto([A, B], 13n), { puts: [], deletes: [], isWiped: false });
});
