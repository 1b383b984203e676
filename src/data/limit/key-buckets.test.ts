import assert from "node:assert/strict";
import { test } from "node:test";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import { KeyBuckets, OTHER_KEYS } from "./key-buckets.ts";

const LIMITS: LimitsData = {
  total: { perSecond: 100, burst: 100 },
  key: { from: "service" },
  perKey: 10,
  keys: [],
  mixed: "refuse",
};

test("keys: only so many have a bucket of their own; the rest share one, and nothing else is held", () => {
  const keys = new KeyBuckets(LIMITS, 100);
  for (let i = 0; i < 100; i++) {
    const one = keys.find(`k${i}`, 0);
    one?.offered.add(5, 0);
    one?.bucket.take(5, 0);
  }
  const others = keys.find("k100", 0);
  assert.equal(others, keys.find("k101", 0));
  assert.equal(keys.size, 100);
  assert.equal(keys.all.length, 101);
  // What is not used any more makes room, and is made anew as it was: full.
  assert.equal(keys.generation, 0);
  const fresh = keys.find("k102", 60_000);
  assert.notEqual(fresh, others);
  assert.equal(keys.size, 1);
  assert.equal(keys.generation, 1);
  assert.equal(fresh?.bucket.tokensAt(60_000), 10);
});

test("keys: one that is in debt is not forgotten", () => {
  const keys = new KeyBuckets(LIMITS, 1);
  keys.find("a", 0)?.bucket.take(1_000, 0);
  keys.find("b", 60_000);
  assert.equal(keys.size, 1);
  assert.ok((keys.find("a", 60_000)?.bucket.tokensAt(60_000) ?? 0) < 0);
});

test("keys: a long key is cut, so that what a sender makes up costs no more than others", () => {
  const keys = new KeyBuckets(LIMITS);
  assert.equal(keys.find("x".repeat(100_000), 0)?.key.length, 256);
});

test("keys: one that the config names has a bucket of its own, however many others there are", () => {
  const keys = new KeyBuckets({ ...LIMITS, keys: [{ pattern: "payment", perSecond: 1_000 }] }, 10);
  for (let i = 0; i < 20; i++) keys.find(`k${i}`, 0)?.bucket.take(100, 0);
  assert.equal(keys.find("k20", 0)?.bucket.isOpen(0), false);
  const payment = keys.find("payment", 0);
  assert.deepEqual([payment?.key, payment?.limit.perSecond, payment?.bucket.isOpen(0)], ["payment", 1_000, true]);
  assert.equal(keys.size, 11);
});

test("keys: one that was met in these seconds is not forgotten, also when all of it was refused", () => {
  const keys = new KeyBuckets(LIMITS, 1);
  const first = keys.find("a", 0);
  first?.offered.add(5, 0);
  keys.find("b", 1_000);
  assert.equal(keys.find("a", 1_000), first);
  keys.find("b", 9_000);
  assert.notEqual(keys.find("a", 9_000), first);
});

test("keys: a new one has what its safe share has brought since that is there, and no more than may come at once", () => {
  const keys = new KeyBuckets(LIMITS);
  const share = (part: number, untilMs: number): void => {
    keys.setShares({ total: [], safe: { part, untilMs }, keys: new Map() }, untilMs - 10_000);
  };
  const tokensOf = (key: string, nowMs: number): number => keys.find(key, nowMs)?.bucket.tokensAt(nowMs) ?? 0;
  share(0.1, 20_000);
  assert.deepEqual([tokensOf("a", 10_500), tokensOf("b", 13_000)], [0.5, 1]);
  share(0, 23_000);
  share(0.1, 24_000);
  assert.equal(tokensOf("c", 14_500), 0.5);
});

test("keys: of one whose limit is above that of everything no more may come at once than of everything", () => {
  const keys = new KeyBuckets({ ...LIMITS, perKey: 200 });
  assert.equal(keys.find("a", 0)?.bucket.tokensAt(0), 100);
});

test("keys: of another share only what is another is touched, and it is as if all were", () => {
  const untilMs = 60_000;
  const safe = { part: 0.1, untilMs };
  const lease = { amount: 5, untilMs };
  const names = ["a", "b", "c", OTHER_KEYS];
  const [some, all] = [new KeyBuckets(LIMITS, 3), new KeyBuckets(LIMITS, 3)];
  for (const keys of [some, all]) for (const name of names) keys.find(name, 0);
  const given: (readonly string[])[] = [["a"], ["a", "b"], ["b", OTHER_KEYS], [], ["c"]];
  for (const [second, leased] of given.entries()) {
    const nowMs = 1_000 * second;
    const keys = new Map(leased.map((name) => [name, lease]));
    some.setShares({ total: [], safe: { ...safe }, keys }, nowMs);
    // As nothing is known of before, all are walked.
    all.setShares(undefined, nowMs);
    all.setShares({ total: [], safe, keys }, nowMs);
    const rates = (of: KeyBuckets): number[] => of.all.map(({ bucket }) => bucket.perSecondAt(nowMs));
    assert.deepEqual(rates(some), rates(all));
    assert.deepEqual(
      rates(some),
      names.map((name) => (leased.includes(name) ? 6 : 1)),
    );
  }
  const reads = some.all.map(({ bucket }) => bucket);
  const touched: string[] = [];
  for (const [i, bucket] of reads.entries()) bucket.setShares = () => void touched.push(names[i]!);
  const keys = new Map([["c", { ...lease }]]);
  some.setShares({ total: [], safe, keys }, 10_000);
  assert.deepEqual(touched, ["c"]);
  some.setShares({ total: [], safe, keys }, 11_000);
  assert.deepEqual(touched, ["c"]);
  some.setShares({ total: [], safe: { part: 0.2, untilMs }, keys }, 12_000);
  assert.deepEqual(touched, ["c", ...names]);
});

test("keys: what those have used that share one counts after a change of the limits, too", () => {
  const keys = new KeyBuckets(LIMITS, 1);
  for (const key of ["a", "b"]) keys.find(key, 0)?.bucket.take(1_000, 0);
  keys.setLimits({ ...LIMITS, perKey: 20 }, 1_000);
  const others = keys.find("c", 1_000);
  assert.deepEqual([others?.key, others?.limit.perSecond], [OTHER_KEYS, 20]);
  assert.equal(others?.bucket.tokensAt(1_000), 10 - 1_000 + 10);
  keys.setLimits({ ...LIMITS, perKey: undefined, keys: [{ pattern: "x*", perSecond: 5 }] }, 2_000);
  assert.equal(keys.find("c", 2_000), undefined);
});

test("keys: who is called as those are that share one is one of them, and the config may give them a limit", () => {
  const keys = new KeyBuckets({ ...LIMITS, keys: [{ pattern: OTHER_KEYS, perSecond: 3 }] }, 1);
  const first = keys.find(OTHER_KEYS, 0);
  keys.find("a", 0)?.bucket.take(100, 0);
  assert.equal(keys.find("b", 0), first);
  assert.deepEqual([first?.limit.perSecond, keys.all.map(({ key }) => key)], [3, ["a", OTHER_KEYS]]);
  // Whatever the first of them would have had.
  const globs = new KeyBuckets({ ...LIMITS, keys: [{ pattern: "pay*", perSecond: 1_000 }] }, 1);
  globs.find("a", 0)?.bucket.take(100, 0);
  assert.equal(globs.find("payment", 0)?.limit.perSecond, 10);
});
