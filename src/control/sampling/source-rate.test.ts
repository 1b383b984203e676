import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import type { ShareReason } from "../../plan/sampling-plan.ts";
import { stepRate } from "./rate-step.ts";
import { halvingAbove, SourceRate } from "./source-rate.ts";

const INTERVAL_MS = 60_000;
const STEP_MS = 5_000;

test("source rate: the smallest 2^-k that is at least as much, of 1 at most and of a millionth at least", () => {
  const cases = [
    [2, 1],
    [1, 1],
    [0.51, 1],
    [0.5, 0.5],
    [0.26, 0.5],
    [0.25, 0.25],
    [0.2, 0.25],
    [0.02, 1 / 32],
    [1e-9, 2 ** -20],
    [0, 2 ** -20],
  ] as const;
  for (const [rate, want] of cases) assert.equal(halvingAbove(rate), want, `${rate}`);
});

test("source rate: a share that does not follow the load is told at once, and changed after two intervals", () => {
  const rate = new SourceRate(INTERVAL_MS);
  const told = (probability: number, nowMs: number): number =>
    rate.at({ probability, reason: "fixed", most: probability }, nowMs);
  assert.equal(told(0.1, 0), 0.25);
  assert.equal(told(0.1, 3_600_000), 0.25);
  assert.equal(told(0.01, 3_600_000), 1 / 32);
  assert.equal(told(0.4, 3_600_000 + 2 * INTERVAL_MS - 1), 1 / 32);
  assert.equal(told(0.4, 3_600_000 + 2 * INTERVAL_MS), 1);
});

test("source rate: what a load asks for is told once it was wanted for 10 s, and then what is wanted by then", () => {
  const rate = new SourceRate(INTERVAL_MS);
  const told = (probability: number, nowMs: number): number =>
    rate.at({ probability, reason: "adaptive", most: 1 }, nowMs);
  assert.equal(told(0.1, 0), 1);
  assert.equal(told(0.7, 9_000), 1);
  assert.equal(told(0.1, 10_000), 1);
  assert.equal(told(0.05, 19_999), 1);
  assert.equal(told(0.01, 20_000), 1 / 32);
});

test("source rate: what a node does in need or without a leader changes nothing", () => {
  const rate = new SourceRate(INTERVAL_MS);
  assert.equal(rate.at({ probability: 0.1, reason: "fixed", most: 1 }, 0), 0.25);
  for (const reason of ["guard", "fallback"] as const) {
    assert.equal(rate.at({ probability: 0.001, reason, most: 1 }, 10 * INTERVAL_MS), 0.25, reason);
    assert.equal(rate.at({ probability: 1, reason, most: 1 }, 20 * INTERVAL_MS), 0.25, reason);
  }
});

interface World {
  /** Traces a second that there are. */
  readonly offered: (nowMs: number) => number;
  readonly target: number;
  readonly intervalMs?: number;
  readonly minutes: number;
  /** Share of the sources that ask at all. */
  readonly asking?: number;
  /** What is told is looked at so often. */
  readonly everyMs?: number;
  /** What the settings let routers keep of what arrives. */
  readonly most?: number;
  /** What is received is measured by so much wrong. */
  readonly noise?: number;
  /** While degraded, no more than this is kept. */
  readonly degraded?: (nowMs: number) => number | undefined;
}

interface Lived {
  /** What was told, and when it changed. */
  readonly changes: readonly (readonly [minute: number, rate: number])[];
  /** What was told, each time that it was looked at. */
  readonly ends: readonly number[];
  /** At the end: what is told, what routers keep of what arrives, and what arrives. */
  readonly told: number;
  readonly share: number;
  readonly arriving: number;
  /** What arrived, for each step. */
  readonly arrived: readonly number[];
}

const SOURCES = 60;

/** Sources that ask at times of their own, the routers' loop, and what is told, in closed loop. */
function live({ offered, target, minutes, intervalMs = INTERVAL_MS, ...more }: World): Lived {
  const { asking = 1, noise = 0, degraded, most = 1, everyMs = Number.POSITIVE_INFINITY } = more;
  const random = seededRandom(7);
  const law = new SourceRate(intervalMs);
  const rates = Array.from({ length: SOURCES }, () => 1);
  const [changes, arrived, ends]: [(readonly [number, number])[], number[], number[]] = [[], [], []];
  let [share, told, arriving] = [most, 1, 0];
  for (let nowMs = 0; nowMs < minutes * 60_000; nowMs += STEP_MS) {
    if (nowMs > 0 && nowMs % everyMs === 0) ends.push(told);
    const bound = degraded?.(nowMs) ?? 1;
    const probability = Math.min(share, bound);
    const reason: ShareReason = bound < share ? "degradation" : "adaptive";
    const now = nowMs < STEP_MS ? 1 : law.at({ probability, reason, most }, nowMs);
    if (now !== told) changes.push([nowMs / 60_000, now]);
    told = now;
    for (let i = 0; i < SOURCES * asking; i++) {
      if ((nowMs / STEP_MS + i) % (intervalMs / STEP_MS) === 0) rates[i] = told;
    }
    arriving = (offered(nowMs) * rates.reduce((sum, rate) => sum + rate, 0)) / SOURCES;
    arrived.push(arriving);
    const seen = arriving * (1 + noise * (2 * random.next() - 1));
    share = stepRate(share, Math.min(most, target / seen), STEP_MS);
  }
  return { changes, told, share, arriving, arrived, ends };
}

const steady = (rate: number) => (): number => rate;

for (const [offered, want] of [
  [1_500, 1],
  [10_000, 0.25],
  [40_000, 1 / 16],
  [1_200_000, 1 / 512],
] as const) {
  test(`source rate: ${offered} traces a second with a target of 1,000 are told ${want} once, and for good`, () => {
    const { told: rate, share, changes } = live({ offered: steady(offered), target: 1_000, minutes: 120, noise: 0.05 });
    assert.equal(rate, want);
    assert.equal(changes.length, want === 1 ? 0 : 1);
    assert.ok(share * rate * offered > 900 && share * rate * offered < 1_100, `${share}`);
  });
}

/** Whether it only falls, and then only rises. */
function fallsThenRises(rates: readonly number[]): boolean {
  const lowest = rates.indexOf(Math.min(...rates));
  return rates.every((rate, i) => i === 0 || (i <= lowest ? rate < rates[i - 1]! : rate > rates[i - 1]!));
}

for (const times of [5, 40]) {
  test(`source rate: ${times} times as much for an hour lowers it once, and it rises again; nothing alternates`, () => {
    const more = (nowMs: number): number => (nowMs >= 3_600_000 && nowMs < 7_200_000 ? 10_000 * times : 10_000);
    const { changes, told: rate } = live({ offered: more, target: 1_000, minutes: 240, noise: 0.05 });
    const rates = changes.map(([, one]) => one);
    assert.deepEqual(rates.slice(0, 2), [0.25, halvingAbove(2_000 / (10_000 * times))]);
    assert.equal(rate, 0.25);
    assert.ok(fallsThenRises(rates), JSON.stringify(changes));
    assert.ok(changes.at(-1)![0] <= 120 + 5, JSON.stringify(changes));
  });
}

test("source rate: what the settings let routers keep is theirs to use, and nothing alternates", () => {
  for (const [most, want] of [
    [0.5, 0.5],
    [0.3, 1],
    [0.1, 1],
    [0.05, 1],
  ] as const) {
    const {
      told: rate,
      changes,
      arriving,
      share,
    } = live({ offered: steady(10_000), target: 1_000, minutes: 240, most });
    assert.equal(rate, want, `${most}`);
    assert.ok(changes.length <= 1, JSON.stringify(changes));
    assert.ok(Math.abs(arriving * share - Math.min(1_000, 10_000 * most)) < 20, `${most}: ${arriving * share}`);
  }
});

test("source rate: at the edge between two powers it stays with one, whatever is measured wrong", () => {
  for (const offered of [7_900, 8_000, 8_100]) {
    const { changes } = live({ offered: steady(offered), target: 1_000, minutes: 600, noise: 0.05 });
    assert.ok(changes.length <= 1, `${offered}: ${JSON.stringify(changes)}`);
  }
});

for (const asking of [0, 0.1, 0.5, 0.7, 0.9]) {
  test(`source rate: where ${asking * 100} % of the sources ask, those are not silenced for the others`, () => {
    const { told, changes } = live({ offered: steady(10_000), target: 1_000, minutes: 600, asking, noise: 0.05 });
    assert.equal(told, 0.25);
    assert.equal(changes.length, 1, JSON.stringify(changes));
  });

  test(`source rate: where ${asking * 100} % ask, a load that comes and goes leaves them what they are due`, () => {
    const day = (nowMs: number): number => (Math.floor(nowMs / 7_200_000) % 2 === 0 ? 10_000 : 100_000);
    const { ends } = live({ offered: day, target: 1_000, minutes: 1_440, asking, noise: 0.05, everyMs: 7_200_000 });
    const [low, high] = [ends.filter((_, i) => i % 2 === 0), ends.filter((_, i) => i % 2 === 1)];
    for (const rate of low) assert.ok(rate >= 1 / 8 && rate <= 1 / 2, JSON.stringify(ends));
    for (const rate of high) assert.ok(rate >= 1 / 64 && rate <= 1 / 16, JSON.stringify(ends));
  });
}

test("source rate: sources that ask every 5 s are not told less than they should be", () => {
  const { told: rate, changes } = live({ offered: steady(40_000), target: 1_000, minutes: 60, intervalMs: 5_000 });
  assert.equal(rate, 1 / 16);
  assert.equal(changes.length, 1);
});

test("source rate: when the fleet degrades, less arrives within two intervals, and it settles; so it does after", () => {
  const degraded = (nowMs: number): number | undefined => (nowMs >= 3_600_000 && nowMs < 7_200_000 ? 0.01 : undefined);
  const world = { offered: steady(10_000), target: 1_000, minutes: 240, degraded, noise: 0.05 };
  const { arrived, changes, told: rate } = live(world);
  assert.equal(arrived[3_600_000 / STEP_MS - 1], 2_500);
  assert.equal(arrived[(3_600_000 + 2 * INTERVAL_MS) / STEP_MS], 10_000 / 32);
  assert.equal(arrived[7_100_000 / STEP_MS], 10_000 / 32);
  const rates = changes.map(([, one]) => one);
  assert.deepEqual(rates.slice(0, 2), [0.25, 1 / 32]);
  assert.ok(fallsThenRises(rates), JSON.stringify(changes));
  assert.equal(rate, 0.25);
});
