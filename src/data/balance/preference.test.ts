import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ACCEPTED, Rig } from "../../../test/scenario/ledger-rig.ts";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";
import { generateLogs } from "../../../test/support/generated.ts";
import type { StrategyPlan } from "../../plan/plan.ts";

const US = { region: "us" };
const EU = { region: "eu" };

function least(...prefer: string[]): StrategyPlan {
  return { type: "least_connections", prefer };
}

function within(...prefer: string[]): StrategyPlan {
  return { type: "latency", pick: "within", thresholdMs: 50, prefer };
}

test("least_connections: in an idle pool those that are preferred are picked, by region or id, in order", () => {
  assert.equal(new BalancedPool([US, US, EU], least("eu")).run(3), "ccc");
  assert.equal(new BalancedPool([US, US, EU], least("b", "eu")).run(3), "bbb");
  assert.equal(new BalancedPool([US, US, EU], least("us")).run(4), "abab", "equals by weight as ever");
});

test("least_connections: one that carries more is not picked for being preferred, nor one that is not usable", () => {
  const pool = new BalancedPool([US, US, EU], least("eu"));
  pool.targets[2]!.load.sent(1, 1, 0);
  assert.equal(pool.run(2), "ab");
  const other = new BalancedPool([US, US, EU], least("eu"));
  other.targets[2]!.eject("connect", Infinity);
  assert.equal(other.run(2), "ab");
});

for (const [name, strategy] of [
  ["least_connections", least("eu")],
  ["latency within", within("eu")],
] as const) {
  test(`${name}: one that comes back is not preferred until it has all of its part again`, () => {
    const pool = new BalancedPool([US, EU], strategy);
    pool.targets[1]!.become({ backShare: 0.5 });
    assert.ok(pool.counts(100)[0]! > 50);
    pool.targets[1]!.become({ backShare: 1 });
    assert.deepEqual(pool.counts(100), [0, 100]);
  });
}

test("latency within: of those within the threshold those that are preferred, by weight; beyond it nobody is", () => {
  const pool = new BalancedPool([US, EU, { ...EU, weight: 3 }], within("eu", "us"));
  const [us, eu, heavy] = pool.counts(4_000);
  assert.ok(us === 0 && heavy! > 2 * eu! && heavy! < 4 * eu!, `${eu} ${heavy}`);
  for (const index of [1, 2]) pool.call(index, 400);
  assert.equal(pool.run(3), "aaa");
});

const aTarget = fc.record({
  weight: fc.integer({ min: 0, max: 5 }),
  region: fc.constantFrom("us", "eu"),
  calls: fc.nat(3),
});
const someTargets = fc.array(aTarget, { minLength: 1, maxLength: 12 });
const PLAIN = [
  { type: "least_connections" },
  { type: "latency", pick: "within", thresholdMs: 50 },
] as const satisfies readonly StrategyPlan[];

function picksOf(
  targets: readonly { readonly calls: number; readonly weight: number; readonly region: string }[],
  strategy: StrategyPlan,
): string {
  const pool = new BalancedPool(targets, strategy);
  for (const [i, { calls }] of targets.entries()) {
    for (let n = 0; n < calls; n++) pool.targets[i]!.load.sent(1, 1, 0);
  }
  return pool.run(50);
}

test("least_connections: a preference for nobody who is there, or for all alike, changes no pick", () => {
  fc.assert(
    fc.property(someTargets, fc.constantFrom([], ["mars"], ["us"]), (targets, prefer) => {
      const alike = prefer[0] === "us" ? targets.map((one) => ({ ...one, region: "us" })) : targets;
      assert.equal(picksOf(alike, least(...prefer)), picksOf(alike, { type: "least_connections" }));
    }),
  );
});

for (const strategy of PLAIN) {
  test(`${strategy.type}: without a preference the picks are those of before`, () => {
    fc.assert(
      fc.property(someTargets, (targets) => {
        assert.equal(picksOf(targets, { ...strategy, prefer: [] }), picksOf(targets, strategy));
      }),
    );
  });

  test(`${strategy.type}: whoever is preferred, nobody is picked that is not usable`, () => {
    fc.assert(
      fc.property(someTargets, fc.array(fc.nat(11)), fc.subarray(["us", "eu", "a", "b"]), (targets, out, prefer) => {
        const pool = new BalancedPool(targets, { ...strategy, prefer });
        for (const index of out) pool.targets[index]?.eject("connect", Infinity);
        const counts = pool.counts(20);
        const left = targets.map((_, i) => i).filter((i) => !out.includes(i));
        if (left.length > 0) for (const i of out) assert.ok((counts[i] ?? 0) === 0 || pool.state.panics);
      }),
    );
  });
}

test("explain tells the pick with the preference of the node's region", async () => {
  const endpoint = (port: number): string => `endpoint: "http://127.0.0.1:${port}"`;
  await using rig = new Rig(`
targets: [{ id: a, ${endpoint(1)} }, { id: b, ${endpoint(2)}, region: eu }]
pools: { p: { targets: [a, b], strategy: { type: latency, pick: within, threshold: 50ms }, ack: queued } }
default_pool: p
regions: { default: { routing_preference: [eu] } }`);
  const logs = Buffer.from(generateLogs({ items: 1, resources: 1, services: ["s"], seed: 1, wallMs: 0 }));
  const { place } = rig.explain("logs", logs);
  assert.deepEqual(place?.pick, { kind: "chances", chances: { b: 1 } });
  rig.handle("logs", logs);
  assert.equal(rig.calls[0]?.target, "b");
  rig.answer(0, ACCEPTED);
});
