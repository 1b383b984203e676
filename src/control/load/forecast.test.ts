import assert from "node:assert/strict";
import { test } from "node:test";
import { type Random, seededRandom } from "../../core/random.ts";
import { HOLT_GAINS, holtAhead, stepHolt } from "./holt.ts";
import { forecastLoad, LoadForecaster, type LoadForecast } from "./forecast.ts";

const STEP_MS = 10_000;
const DAY = 8_640;

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** A day of items a second: it rises and falls, with noise that lasts, and short spikes. */
function* day(seed: number): Generator<number> {
  const random = seededRandom(seed);
  let [noise, spike] = [0, 0];
  for (let step = 0; step < DAY; step++) {
    noise = 0.7 * noise + 40 * normal(random);
    spike = random.next() < 0.002 ? 3 : Math.max(0, spike - 1);
    yield Math.max(0, 1_000 + 600 * Math.sin((2 * Math.PI * step) / DAY) + noise + (spike > 0 ? 600 : 0));
  }
}

interface Verdict {
  readonly coverage: number;
  readonly mae: number;
  readonly persistence: number;
}

/** What was said of one horizon, compared with what came. */
function score(values: readonly number[], said: readonly LoadForecast[], steps: number): Verdict {
  let [scored, inside, error, persistence] = [0, 0, 0, 0];
  for (let step = steps + 100; step < values.length; step++) {
    const [value, then, { value: forecast, low, high }] = [values[step]!, values[step - steps]!, said[step - steps]!];
    assert.ok(low !== undefined && high !== undefined);
    scored++;
    inside += value >= low && value <= high ? 1 : 0;
    error += Math.abs(value - forecast);
    persistence += Math.abs(value - then);
  }
  return { coverage: inside / scored, mae: error / scored, persistence: persistence / scored };
}

for (const seed of [1, 2, 3]) {
  test(`forecast: a day with noise and spikes (seed ${seed}): 92 to 97 of 100 are within the interval, and it beats persistence`, () => {
    const forecaster = new LoadForecaster({ stepMs: STEP_MS });
    const values = [...day(seed)];
    const horizons = [6, 30, 45];
    const said: LoadForecast[][] = horizons.map(() => []);
    for (const [step, value] of values.entries()) {
      forecaster.add(step, value);
      for (const [i, steps] of horizons.entries()) said[i]!.push(forecaster.forecast(steps * STEP_MS));
    }
    for (const [i, steps] of horizons.entries()) {
      const { coverage, mae, persistence } = score(values, said[i]!, steps);
      assert.ok(coverage >= 0.92 && coverage <= 0.97, `${steps} steps: ${coverage}`);
      assert.ok(mae < persistence * 0.95, `${steps} steps: ${mae} against ${persistence}`);
    }
    for (const { horizonMs, coverage = 0, skill = 0, scored } of forecaster.quality()) {
      assert.ok(scored >= DAY - 360 - 1, "each forecast was scored");
      assert.ok(coverage > 0.9 && coverage < 0.99, `${horizonMs}: ${coverage}`);
      if (horizonMs >= 60_000 && horizonMs <= 300_000) assert.ok(skill > 0.05, `${horizonMs}: ${skill}`);
    }
  });
}

test("forecast: where a trend tells less than that nothing changes, nothing changes", () => {
  const random = seededRandom(7);
  const forecaster = new LoadForecaster({});
  let value = 10_000;
  for (let step = 0; step < 2_000; step++) {
    value += 100 * normal(random); // a random walk: nothing is better than persistence
    forecaster.add(step, value);
  }
  const forecast = forecaster.forecast(60_000);
  assert.equal(forecast.method, "persistence");
  assert.equal(forecast.value, value);
  assert.ok((forecast.skill ?? 1) < 0);
  assert.ok(forecast.low! < value && forecast.high! > value, "and it has an interval of its own errors");
});

test("forecast: fewer than 30 points give what is now, without an interval or a confidence", () => {
  const forecaster = new LoadForecaster({});
  const before = forecaster.forecast(60_000, 100);
  assert.deepEqual(
    [before.value, before.method, before.low, before.confidence, before.points],
    [0, "persistence", undefined, undefined, 0],
  );
  for (let step = 0; step < 29; step++) forecaster.add(step, step);
  const forecast = forecaster.forecast(60_000, 100);
  assert.deepEqual(
    [forecast.value, forecast.method, forecast.low, forecast.points],
    [28, "persistence", undefined, 29],
  );
  forecaster.add(29, 29);
  assert.notEqual(forecaster.forecast(60_000).low, undefined);
});

test("forecast: a trend goes on, fades with the horizon, and leads to nothing below 0", () => {
  const holt = { level: 100, trend: -10 };
  const ahead = [0, 1, 2, 6].map((steps) => holtAhead(holt, steps));
  assert.deepEqual(
    ahead.map((one) => one.toFixed(3)),
    ["100.000", "90.200", "80.596", "44.063"],
  );
  assert.equal(holtAhead(holt, 60), 0);
  assert.equal(Math.round(holtAhead({ level: 0, trend: 10 }, 1e9)), 490, "all that the trend can still do");
  assert.equal(holtAhead({ level: 0, trend: 1 }, 5, { ...HOLT_GAINS, damping: 1 }), 5);
  assert.deepEqual(stepHolt({ level: 100, trend: 10 }, 109.8), { level: 109.8, trend: 0.02 * 9.8 + 0.98 * 9.8 });
});

test("forecast: after a gap nothing is left of the trend, and no forecast is scored across it", () => {
  const forecaster = new LoadForecaster({});
  for (let step = 0; step < 200; step++) forecaster.add(step, 1_000 + 10 * step);
  const scored = forecaster.quality().map((one) => one.scored);
  forecaster.add(500, 100);
  assert.equal(forecaster.forecast(300_000).value, 100);
  assert.deepEqual(
    forecaster.quality().map((one) => one.scored),
    scored,
  );
  forecaster.add(501, 100);
  assert.equal(forecaster.quality()[0]?.scored, scored[0]! + 1, "from there on they are");
});

test("forecast: confidence is the probability to stay below the capacity", () => {
  const random = seededRandom(3);
  const points = Array.from({ length: 300 }, (_, i) => ({ atMs: i * STEP_MS, value: 1_000 + 50 * normal(random) }));
  const at = (capacity: number): number => forecastLoad(points, { horizonMs: 60_000, capacity }).confidence ?? -1;
  assert.ok(at(500) < 0.001 && at(2_000) > 0.999);
  assert.ok(Math.abs(at(forecastLoad(points, { horizonMs: 60_000 }).value) - 0.5) < 1e-6);
  const { high = 0 } = forecastLoad(points, { horizonMs: 60_000 });
  assert.ok(Math.abs(at(high) - 0.975) < 0.001);
  assert.equal(forecastLoad(points, { horizonMs: 60_000, capacity: 0 }).confidence, undefined);
});

test("forecast: of a load that never changes the interval is nothing, and the confidence 0 or 1", () => {
  const points = Array.from({ length: 50 }, (_, i) => ({ atMs: i * STEP_MS, value: 10 }));
  const { low, high, confidence } = forecastLoad(points, { horizonMs: 30_000, capacity: 11 });
  assert.deepEqual([low, high, confidence], [10, 10, 1]);
  assert.equal(forecastLoad(points, { horizonMs: 30_000, capacity: 10 }).confidence, 0);
});

test("forecast: of one spike no more than three deviations move the level", () => {
  const random = seededRandom(5);
  const values = Array.from({ length: 300 }, () => 1_000 + 10 * normal(random));
  const points = [...values, 100_000].map((value, i) => ({ atMs: i * STEP_MS, value }));
  const { value, method } = forecastLoad(points, { horizonMs: 60_000 });
  assert.equal(method, "holt");
  assert.ok(value < 1_020, String(value));
});

test("forecast: values that come at any time are means of the steps they fall into", () => {
  const seconds = Array.from({ length: 600 }, (_, i) => ({ atMs: i * 1_000, value: i % 10 === 0 ? 100 : 0 }));
  const { points, value } = forecastLoad(seconds, { horizonMs: 10_000 });
  assert.deepEqual([points, value], [60, 10]);
});
