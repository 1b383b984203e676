import assert from "node:assert/strict";
import { test } from "node:test";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";
import type { Picker } from "./picker.ts";
import { createStrategies, registerStrategy, type StrategyContext } from "./strategies.ts";

const heaviest: Picker = {
  pick(view) {
    let best = -1;
    for (let at = 0; at < view.candidateCount; at++) {
      const index = view.candidates[at]!;
      if (best < 0 || view.weight[index]! > view.weight[best]!) best = index;
    }
    return best;
  },
  charge: () => undefined,
  changed: () => undefined,
};

const PLUGIN = { type: "plugin", name: "heaviest", options: { answer: 42 } } as const;

test("a plugin's strategy is found by its name, and gets its options", () => {
  const contexts: StrategyContext[] = [];
  const strategies = createStrategies();
  registerStrategy(strategies, "heaviest", (context) => {
    contexts.push(context);
    return heaviest;
  });
  const pool = new BalancedPool([1, 5, 3], PLUGIN, { strategies });
  assert.equal(pool.run(2), "bb");
  pool.targets[1]!.eject("connect", Infinity);
  assert.equal(pool.run(2), "cc");
  assert.deepEqual(
    contexts.map(({ size, options }) => ({ size, options })),
    [{ size: 3, options: { answer: 42 } }],
  );
});

test("a name is registered once, and is a name", () => {
  const strategies = createStrategies();
  registerStrategy(strategies, "heaviest", () => heaviest);
  assert.throws(() => registerStrategy(strategies, "heaviest", () => heaviest), /registered already/u);
  for (const name of ["", "Heaviest", "a b", "1st"]) {
    assert.throws(() => registerStrategy(strategies, name, () => heaviest), /is no name/u);
  }
  assert.deepEqual(strategies.names, ["heaviest"]);
  assert.throws(() => new BalancedPool([1], PLUGIN), /no plugin has registered a strategy named heaviest/u);
});

const faults: readonly { name: string; picker: Picker; what: RegExp }[] = [
  { name: "throws in a pick", picker: { ...heaviest, pick: () => assert.fail("oops") }, what: /oops/u },
  { name: "throws when charged", picker: { ...heaviest, charge: () => assert.fail("oops") }, what: /oops/u },
  { name: "throws when told of a change", picker: { ...heaviest, changed: () => assert.fail("oops") }, what: /oops/u },
  { name: "picks what is not there", picker: { ...heaviest, pick: () => 7 }, what: /picked 7/u },
  { name: "picks what is out", picker: { ...heaviest, pick: () => 2 }, what: /picked 2/u },
  { name: "picks no number", picker: { ...heaviest, pick: () => Number.NaN }, what: /picked NaN/u },
];
for (const { name, picker, what } of faults) {
  test(`a plugin's strategy that ${name} is replaced by weighted round robin, and that is told once`, () => {
    const strategies = createStrategies();
    registerStrategy(strategies, "heaviest", () => picker);
    const told: string[] = [];
    const strategyFailed = (strategy: string, why: string): void => void told.push(`${strategy}: ${why}`);
    const pool = new BalancedPool([1, 1, 1], PLUGIN, { strategies, faults: { strategyFailed } });
    pool.targets[2]!.eject("connect", Infinity);
    pool.take();
    assert.deepEqual(
      pool.counts(100).map((count) => count > 45),
      [true, true, false],
    );
    assert.equal(told.length, 1);
    assert.match(told[0]!, what);
  });
}
