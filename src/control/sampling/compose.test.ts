import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { loadConfig } from "../../config/load.ts";
import { keptItems, rateIn } from "../../plan/sampling/class-rate.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import { composeSampling, type SamplingComposition } from "./compose.ts";
import { shareReasonsOf } from "./share-reason.ts";
import { ITEM_CHARGE, type RateBudget, type RatedClass, type SamplingSettings } from "./sampling-settings.ts";

const TRACES = ["traces"] as const;
const HOME = "us-east-1";
const ELSEWHERE = "eu-west-1";

function classOf(name: string, priority: RatedClass["priority"], rate: number): RatedClass {
  return { name, priority, rate, signals: TRACES };
}

function budgetOf(allowedPerSecond: number, minRate: number, maxRate: number): RateBudget {
  return { name: "adaptive", signals: TRACES, allowedPerSecond, minRate, maxRate, charge: ITEM_CHARGE };
}

function rowOf(name: string, items: number, { region = ELSEWHERE, arrival = 1 } = {}): ReceivedRow {
  return { signal: "traces", class: name, region, arrival, items, bytes: items * 400, traces: items };
}

function assertNear(actual: number, expected: number, digits: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 0.5 * 10 ** -digits + 1e-9, `${what}: ${actual}, not ${expected}`);
}

/** examples/sampling.yaml: its strategies, and the region's rate. */
function exampleSettings(targetQps: number): SamplingSettings {
  return {
    classes: [
      classOf("payment", "high", 1),
      classOf("errors", "high", 1),
      classOf("debug", "low", 0.01),
      classOf("rest", "normal", 1),
    ],
    ceilings: [{ reason: "region", rate: 0.1, region: HOME, signals: TRACES }],
    budgets: [
      budgetOf(targetQps, 0.001, 1),
      {
        ...budgetOf(12.5 / 3_600, 0.001, 1),
        name: "cost_based",
        charge: { item: 0.000_000_2, byte: 0, trace: 0, isPerCopy: true },
      },
    ],
  };
}

const EXAMPLE_ROWS = [
  rowOf("payment", 100),
  rowOf("errors", 500),
  rowOf("debug", 900),
  rowOf("rest", 4_000, { region: HOME }),
  rowOf("rest", 500, { region: HOME, arrival: 0.1 }),
  rowOf("rest", 4_000),
];

const exampleCases = [
  { targetQps: 2_000, q: 0.1228, kept: [100, 500, 9, 400, 500, 491], digits: 0 },
  { targetQps: 700, q: 0.0072, kept: [100, 500, 6.5, 28.8, 36, 28.8], digits: 1 },
];

for (const { targetQps, q, kept, digits } of exampleCases) {
  test(`composition: examples/sampling.yaml with a target of ${targetQps} is q = ${q}`, () => {
    const composition = composeSampling(EXAMPLE_ROWS, exampleSettings(targetQps));
    const [adaptive, cost] = composition.budgets;
    assertNear(adaptive!.rate, q, 4, "q");
    assert.equal(adaptive!.state, "on_target");
    assert.equal(cost!.state, "bound_by_ceilings");
    for (const [i, row] of EXAMPLE_ROWS.entries()) {
      assertNear(
        keptItems(composition.rates, row),
        kept[i]!,
        digits,
        `${row.class} of ${row.region}, th ${row.arrival}`,
      );
    }
    assertNear(
      sumOf(EXAMPLE_ROWS, (row) => keptItems(composition.rates, row)),
      targetQps,
      6,
      "kept",
    );
    assertNear(represented(composition, EXAMPLE_ROWS), 14_500, 6, "adjusted counts");
  });
}

test("composition: reasons are those of the lowest term, and the strategy is named", () => {
  const composition = composeSampling(EXAMPLE_ROWS, exampleSettings(2_000));
  const reasons = (name: string, region: string): string => {
    const { reason = "none", by } = rateIn(composition.rates, { signal: "traces", class: name, region }) ?? {};
    return by === undefined ? reason : `${reason} of ${by}`;
  };
  assert.equal(reasons("payment", HOME), "protected");
  assert.equal(reasons("debug", HOME), "class");
  assert.equal(reasons("rest", HOME), "region");
  assert.equal(reasons("rest", ELSEWHERE), "budget of adaptive");
});

/** examples/global-config.yaml with only target_qps changed, one span a trace. */
const GLOBAL: SamplingSettings = {
  classes: [classOf("high", "high", 1), classOf("low", "low", 0.01), classOf("normal", "normal", 0.1)],
  ceilings: [],
  budgets: [budgetOf(1_000, 0.01, 0.5)],
};

for (const { times, q } of [
  { times: 1, q: 0.0858 },
  { times: 5, q: 0.0128 },
]) {
  test(`composition: examples/global-config.yaml with a target of 1,000 and ${times} times the load is q = ${q}`, () => {
    const rows = [rowOf("high", 50 * times), rowOf("low", 1_000 * times), rowOf("normal", 10_950 * times)];
    const composition = composeSampling(rows, GLOBAL);
    assertNear(composition.budgets[0]!.rate, q, 4, "q");
    assertNear(
      sumOf(rows, (row) => keptItems(composition.rates, row)),
      1_000,
      6,
      "kept",
    );
  });
}

const stateCases = [
  { name: "nothing came", rows: [], state: "no_load", q: 0.5 },
  { name: "all that came may be kept", rows: [rowOf("high", 900)], state: "under_target", q: 0.5 },
  { name: "the class's ceiling is reached before", rows: [rowOf("normal", 5_000)], state: "bound_by_ceilings", q: 0.5 },
  { name: "the lowest rate is too much", rows: [rowOf("normal", 200_000)], state: "over_target", q: 0.01 },
  {
    name: "what is protected is too much",
    rows: [rowOf("high", 1_001), rowOf("normal", 1)],
    state: "over_target",
    q: 0.01,
  },
];

test("composition: a hair's breadth above is on target", () => {
  const settings = { ...GLOBAL, budgets: [budgetOf(50_000, 0.000_001, 1)] };
  const [budget] = composeSampling([rowOf("high", 50_000), rowOf("normal", 1)], settings).budgets;
  assert.equal(budget!.state, "on_target");
});

for (const { name, rows, state, q } of stateCases) {
  test(`composition: ${name}: ${state}`, () => {
    const [budget] = composeSampling(rows, GLOBAL).budgets;
    assert.deepEqual([budget!.state, budget!.rate], [state, q]);
  });
}

test("composition: what has no randomness is kept and charged first, and so is what no class takes", () => {
  const rows: ReceivedRow[] = [
    { ...rowOf("normal", 300), arrival: undefined },
    rowOf("unknown", 200),
    rowOf("normal", 10_000),
  ];
  const composition = composeSampling(rows, GLOBAL);
  assertNear(composition.budgets[0]!.rate, 0.05, 9, "q");
  assert.deepEqual(
    rows.map((row) => Math.round(keptItems(composition.rates, row))),
    [300, 200, 500],
  );
});

test("composition: the minimum of one strategy does not bind another one", () => {
  const budgets = [budgetOf(1_000, 0.05, 1), { ...budgetOf(100, 0.001, 1), name: "cost_based" }];
  const rows = [rowOf("normal", 50_000)];
  const composition = composeSampling(rows, { ...GLOBAL, budgets });
  assert.deepEqual(
    composition.budgets.map(({ rate, state }) => [rate, state]),
    [
      [0.05, "over_target"],
      [0.002, "on_target"],
    ],
  );
  assert.equal(rateIn(composition.rates, rows[0]!)?.probability, 0.002);
});

test("composition: low and normal have the same probability once q is below the ceiling of low", () => {
  const settings = { ...GLOBAL, budgets: [budgetOf(1_000, 0.001, 0.5)] };
  const { rates } = composeSampling([rowOf("low", 100_000), rowOf("normal", 100_000)], settings);
  assert.deepEqual(
    rates.slice(1).map(({ probability }) => probability),
    [0.005, 0.005],
  );
});

test("composition: a strategy knows the signals that it speaks of, and no others", () => {
  const logs: RatedClass = { ...classOf("normal", "normal", 1), signals: ["logs"] };
  const settings = { ...GLOBAL, classes: [...GLOBAL.classes, logs] };
  const rows: ReceivedRow[] = [rowOf("normal", 20_000), { ...rowOf("normal", 50_000), signal: "logs" }];
  const composition = composeSampling(rows, settings);
  assertNear(composition.budgets[0]!.rate, 0.05, 9, "q");
  assert.equal(rateIn(composition.rates, rows[1]!)?.probability, 1);
});

test("composition: of what lowers a class as much as it is lowered already nothing is said", () => {
  const { rates } = composeSampling([], GLOBAL, new Map([[GLOBAL.budgets[0]!.name, 0.01]]));
  assert.deepEqual(
    rates.map(({ class: name, probability, reason }) => [name, probability, reason]),
    [
      ["high", 1, "protected"],
      ["low", 0.01, "class"],
      ["normal", 0.01, "budget_minimum"],
    ],
  );
});

test("composition: all that is not protected has the rate of a ceiling at most", () => {
  const settings: SamplingSettings = {
    ...GLOBAL,
    ceilings: [{ reason: "fixed", rate: 0.02, signals: TRACES }],
  };
  const rows = [rowOf("high", 50), rowOf("low", 1_000), rowOf("normal", 10_950)];
  const composition = composeSampling(rows, settings);
  assert.deepEqual(
    composition.rates.map(({ probability, reason }) => [probability, reason]),
    [
      [1, "protected"],
      [0.01, "class"],
      [0.02, "fixed"],
    ],
  );
});

const share = fc.double({ min: 0.0001, max: 1, noNaN: true });
const anyRow: fc.Arbitrary<ReceivedRow> = fc.record({
  signal: fc.constant("traces" as const),
  class: fc.constantFrom("payment", "errors", "debug", "rest"),
  region: fc.constantFrom(HOME, ELSEWHERE),
  arrival: fc.option(share, { nil: undefined }),
  items: fc.integer({ min: 0, max: 100_000 }),
  bytes: fc.integer({ min: 0, max: 10_000_000 }),
  traces: fc.integer({ min: 0, max: 10_000 }),
  copies: fc.constantFrom(1, 2),
});
const anyRows = fc.array(anyRow, { maxLength: 20 });
const anySettings: fc.Arbitrary<SamplingSettings> = fc
  .record({ home: share, fixed: share, debug: share, target: fc.integer({ min: 1, max: 50_000 }), min: share })
  .map(({ home, fixed, debug, target, min }) => ({
    classes: [
      classOf("payment", "high", 1),
      classOf("errors", "high", 0.5),
      classOf("debug", "low", debug),
      classOf("rest", "normal", 1),
    ],
    ceilings: [
      { reason: "region", rate: home, region: HOME, signals: TRACES },
      { reason: "fixed", rate: fixed, signals: TRACES },
    ],
    budgets: [budgetOf(target, min / 100, 1)],
  }));

test("composition: within the target but where it tells why not, and never above a ceiling; protected is untouched", () => {
  fc.assert(
    fc.property(anyRows, anySettings, (rows, settings) => {
      const composition = composeSampling(rows, settings);
      const [{ state, allowedPerSecond, keptPerSecond }] = composition.budgets as [
        SamplingComposition["budgets"][number],
      ];
      const kept = sumOf(rows, (row) => keptItems(composition.rates, row));
      assert.ok(Math.abs(kept - keptPerSecond) <= 1e-6 * (1 + kept), "what is told is what is kept");
      const isOver = kept > allowedPerSecond * (1 + 1e-9);
      assert.equal(isOver, state === "over_target", `${kept} of ${allowedPerSecond}: ${state}`);
      if (state === "on_target") assert.ok(Math.abs(kept - allowedPerSecond) <= 1e-6 * allowedPerSecond);
      for (const { class: name, region, probability } of composition.rates) {
        const one = settings.classes.find((its) => its.name === name)!;
        if (one.priority === "high") assert.equal(probability, one.rate);
        assert.ok(probability <= one.rate);
        for (const ceiling of settings.ceilings) {
          if (one.priority === "high" || (ceiling.region !== undefined && ceiling.region !== region)) continue;
          assert.ok(probability <= ceiling.rate);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("composition: more load never raises a rate, and a larger target never lowers one", () => {
  fc.assert(
    fc.property(anyRows, anyRow, anySettings, (rows, more, settings) => {
      const before = composeSampling(rows, settings);
      const loaded = composeSampling([...rows, more], settings);
      const budgets = settings.budgets.map((one) => ({ ...one, allowedPerSecond: one.allowedPerSecond * 2 }));
      const freer = composeSampling(rows, { ...settings, budgets });
      for (const [i, { probability }] of before.rates.entries()) {
        assert.ok(loaded.rates[i]!.probability <= probability * (1 + 1e-12));
        assert.ok(freer.rates[i]!.probability >= probability * (1 - 1e-12));
      }
    }),
    { numRuns: 300 },
  );
});

test("composition: adjusted counts add up to what there was before all sampling", () => {
  fc.assert(
    fc.property(anyRows, anySettings, (rows, settings) => {
      const sampled = rows.filter(({ arrival }) => arrival !== undefined);
      const composition = composeSampling(rows, settings);
      const origin = sumOf(sampled, ({ items, arrival }) => items / arrival!);
      assert.ok(Math.abs(represented(composition, sampled) - origin) <= 1e-9 * (1 + origin));
    }),
    { numRuns: 200 },
  );
});

function represented(composition: SamplingComposition, rows: readonly ReceivedRow[]): number {
  return sumOf(rows, (row) => {
    const { probability } = rateIn(composition.rates, row)!;
    return keptItems(composition.rates, row) / Math.min(probability, row.arrival!);
  });
}

function sumOf(rows: readonly ReceivedRow[], amount: (row: ReceivedRow) => number): number {
  return rows.reduce((sum, row) => sum + amount(row), 0);
}

test("why so much of a class is kept: where its ceiling is from, or what lowers it, in the words of metrics", () => {
  const rules = "[{ priority: high, rate: 1, services: [payment] }]";
  const { config } = loadConfig(
    `global: { sampling_strategies: [{ type: priority_based, rules: ${rules} }] }\ntargets: []\n`,
    {
      file: "node.yaml",
      env: {},
      readFile: () => "",
    },
  );
  assert.ok(config !== undefined);
  const why = shareReasonsOf(config);
  assert.equal(why({ class: "high", reason: "class" }), "priority_based");
  assert.equal(why({ class: "normal", reason: "class" }), "sampling_rate");
  assert.equal(why({ class: "normal", reason: "budget", by: "adaptive" }), "adaptive");
  assert.equal(why({ class: "normal", reason: "budget_minimum", by: "cost_based" }), "cost_based");
  assert.equal(why({ class: "normal", reason: "region" }), "region");
});
