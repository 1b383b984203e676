import assert from "node:assert/strict";
import { test } from "node:test";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";

const US = { region: "us" };
const EU = { region: "eu" };
const DEFAULT = { region: "default" };
const ASIA = { region: "asia" };

const cases = [
  { name: "the item's own region first", of: "eu", order: ["us"], out: [], want: "ccc" },
  { name: "then the configured order", of: "eu", order: ["asia", "us"], out: [2], want: "eee" },
  { name: "one after the other", of: "eu", order: ["asia", "us"], out: [2, 4], want: "aba" },
  { name: "then region default", of: "eu", order: ["asia"], out: [2, 4], want: "ddd" },
  { name: "then any", of: "eu", order: [], out: [2, 3], want: "abe" },
  { name: "an unknown region goes to region default", of: "mars", order: [], out: [], want: "ddd" },
  { name: "an unknown region follows the order before default", of: "mars", order: ["us"], out: [], want: "aba" },
  { name: "no region at all", of: undefined, order: [], out: [], want: "ddd" },
] as const;
for (const { name, of, order, out, want } of cases) {
  test(`geography: ${name}`, () => {
    const pool = new BalancedPool([US, US, EU, DEFAULT, ASIA], { type: "geography", region: of, order });
    for (const index of out) pool.targets[index]!.eject("connect", Infinity);
    assert.equal(pool.run(3), want);
  });
}

const preferences = [
  {
    name: "what is preferred comes after the item's region, before the order",
    prefer: ["asia"],
    out: [2],
    want: "eee",
  },
  { name: "a target by its id comes before others of its region", prefer: ["b", "us"], out: [2], want: "bbb" },
  { name: "and its region after it", prefer: ["b", "us"], out: [2, 1], want: "aaa" },
  { name: "a target's id does not make it one of the item's region", prefer: ["b"], out: [], want: "ccc" },
  { name: "what is not usable is passed over, preferred or not", prefer: ["asia", "b"], out: [2, 4, 1], want: "aaa" },
] as const;
for (const { name, prefer, out, want } of preferences) {
  test(`geography with a preference: ${name}`, () => {
    const pool = new BalancedPool([US, US, EU, DEFAULT, ASIA], {
      type: "geography",
      region: "eu",
      prefer,
      order: ["us"],
    });
    for (const index of out) pool.targets[index]!.eject("connect", Infinity);
    assert.equal(pool.run(3), want);
  });
}

test("geography: a region named like a target's id is no preference for that target", () => {
  const pool = new BalancedPool([US, EU], { type: "geography", region: "b", prefer: ["b", "us"], order: [] });
  assert.equal(pool.run(2), "aa");
});

test("geography: inside a region it is weighted round robin", () => {
  const pool = new BalancedPool(
    [
      { ...US, weight: 5 },
      { ...US, weight: 1 },
      { ...US, weight: 1 },
      { ...EU, weight: 100 },
    ],
    { type: "geography", region: "us", order: [] },
  );
  assert.equal(pool.run(7), "aabacaa");
});

test("geography: a full window is waited for; what just failed there goes further for this once", () => {
  const pool = new BalancedPool([US, EU], { type: "geography", region: "us", order: ["eu"] });
  pool.targets[0]!.become({ windowSize: 0 });
  assert.equal(pool.run(2), "--");
  pool.targets[0]!.become({ windowSize: 64 });
  pool.state.refresh(0);
  pool.state.exclude(0);
  assert.equal(pool.picker.pick(pool.state), 1);
  pool.state.include(0);
  assert.equal(pool.run(2), "aa");
});

test("geography: back to the own region as soon as it is usable", () => {
  const pool = new BalancedPool([US, EU], { type: "geography", region: "us", order: [] });
  pool.targets[0]!.eject("connect", Infinity);
  assert.equal(pool.run(2), "bb");
  pool.targets[0]!.ready();
  assert.equal(pool.run(2), "aa");
});

test("geography: a target that moves to another region is found there", () => {
  const pool = new BalancedPool([US, EU], { type: "geography", region: "us", order: [] });
  assert.equal(pool.run(2), "aa");
  const [a, b] = pool.targets;
  a!.plan = { ...a!.plan, region: "eu" };
  a!.tell();
  b!.plan = { ...b!.plan, region: "us" };
  b!.tell();
  assert.equal(pool.run(2), "bb");
});

test("geography: a region of a thousand targets", () => {
  const targets = Array.from({ length: 1_000 }, (_, i) => (i % 2 === 0 ? US : EU));
  const pool = new BalancedPool(targets, { type: "geography", region: "eu", order: [] });
  const counts = pool.counts(1_500);
  assert.ok(counts.every((count, i) => count === (i % 2 === 0 ? 0 : 3)));
});
