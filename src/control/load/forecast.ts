import { GridMeans } from "./grid-means.ts";
import { HOLT_GAINS, type Holt, holtAhead, holtFrom, type HoltGains, stepHolt } from "./holt.ts";
import { HorizonErrors, type HorizonQuality, type Saying } from "./horizon-errors.ts";
import { normalShareBelow, Z_95 } from "./normal.ts";

/** What is to be expected some time from now. */
export interface LoadForecast {
  readonly horizonMs: number;
  readonly value: number;
  /**
   * 95 of 100 times it is between these, as errors made so far tell; undefined: too few were made.
   */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /**
   * Probability to stay below the capacity; undefined without a capacity, or while there is no
   * interval.
   */
  readonly confidence: number | undefined;
  /** `persistence`: that nothing changes, since a trend would have told worse, or is not known. */
  readonly method: "holt" | "persistence";
  /** Of the nearest horizon that has been scored. */
  readonly skill: number | undefined;
  readonly coverage: number | undefined;
  /** Steps that it knows of; it takes 30. */
  readonly points: number;
}

/** What a forecaster goes by; defaults are those of a node. */
export interface ForecasterOptions {
  /** Length of a step; default: 10 s. */
  readonly stepMs?: number;
  /** Horizons whose errors are kept; what is between is interpolated. */
  readonly horizonsMs?: readonly number[];
  readonly gains?: HoltGains;
}

export const FORECAST_STEP_MS = 10_000;
const FORECAST_HORIZONS_MS = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000] as const;
/** Fewer points tell nothing of a trend. */
const FEWEST_POINTS = 30;
/** What is farther away from what was expected counts as so far away. */
const CLIP_DEVIATIONS = 3;

/** Holt's damped trend over regular steps, which knows from its own errors how good it is. */
export class LoadForecaster {
  readonly stepMs: number;
  readonly #gains: HoltGains;
  readonly #errors: readonly HorizonErrors[];
  #holt: Holt | undefined;
  #last = 0;
  #step = 0;
  #points = 0;

  constructor({ stepMs = FORECAST_STEP_MS, horizonsMs = FORECAST_HORIZONS_MS, gains = HOLT_GAINS }: ForecasterOptions) {
    this.stepMs = stepMs;
    this.#gains = gains;
    const steps = horizonsMs.map((horizonMs) => Math.max(1, Math.round(horizonMs / stepMs)));
    this.#errors = [...new Set([1, ...steps])].toSorted((a, b) => a - b).map((one) => new HorizonErrors(one));
  }

  /** The value of a step, which counts up by one; after a gap nothing is known of the trend. */
  add(step: number, value: number): void {
    const holt = this.#holt;
    const isNext = holt !== undefined && step === this.#step + 1;
    // Before it is scored: its own error would make room for it.
    const next = isNext ? stepHolt(holt, this.#clipped(holt, value), this.#gains) : holtFrom(value);
    if (isNext) for (const errors of this.#errors) errors.score(value);
    else for (const errors of this.#errors) errors.gap();
    this.#holt = next;
    this.#last = value;
    this.#step = step;
    this.#points++;
    for (const errors of this.#errors) errors.say(this.#saying(errors.steps));
  }

  forecast(horizonMs: number, capacity?: number): LoadForecast {
    const steps = Math.max(0, horizonMs / this.stepMs);
    const method = this.#methodAt(steps);
    const value = method === "holt" ? holtAhead(this.#state, steps, this.#gains) : this.#last;
    const deviation = this.#deviationAt(steps, method);
    const { skill, coverage } = this.#nearest(steps).quality(this.stepMs);
    return {
      horizonMs,
      value,
      ...intervalOf(value, deviation),
      confidence: confidenceOf(value, deviation, capacity),
      method,
      skill,
      coverage,
      points: this.#points,
    };
  }

  /** By horizon, shortest first. */
  quality(): readonly HorizonQuality[] {
    return this.#errors.map((errors) => errors.quality(this.stepMs));
  }

  get #state(): Holt {
    return this.#holt ?? holtFrom(this.#last);
  }

  #saying(steps: number): Saying {
    const { low, high } = this.forecast(steps * this.stepMs);
    return { holt: holtAhead(this.#state, steps, this.#gains), persistence: this.#last, low, high };
  }

  /** An outlier moves the level no farther than three deviations would. */
  #clipped(holt: Holt, value: number): number {
    const deviation = this.#deviationAt(1, "holt");
    if (deviation === undefined) return value;
    const expected = holtAhead(holt, 1, this.#gains);
    const most = CLIP_DEVIATIONS * deviation;
    return Math.min(expected + most, Math.max(expected - most, value));
  }

  #methodAt(steps: number): LoadForecast["method"] {
    return this.#points >= FEWEST_POINTS && this.#nearest(steps).hasSkill ? "holt" : "persistence";
  }

  /** Of those that have been scored; the shortest when none has. */
  #nearest(steps: number): HorizonErrors {
    const [shortest, ...longer] = this.#errors;
    let nearest = shortest!;
    for (const errors of longer) {
      const isNearer = Math.abs(errors.steps - steps) < Math.abs(nearest.steps - steps);
      if (isNearer && errors.isTelling) nearest = errors;
    }
    return nearest;
  }

  /** Interpolated between horizons; beyond the longest one it grows as that of a random walk. */
  #deviationAt(steps: number, method: LoadForecast["method"]): number | undefined {
    if (this.#points < FEWEST_POINTS) return undefined;
    const known = this.#errors.filter(({ isTelling }) => isTelling);
    const before = known.findLast((one) => one.steps <= steps) ?? known[0];
    if (before === undefined) return undefined;
    const after = known.find((one) => one.steps > steps);
    const variance = before.variance(method);
    if (steps <= before.steps) return Math.sqrt(variance);
    if (after === undefined) return Math.sqrt((variance * steps) / before.steps);
    const share = (steps - before.steps) / (after.steps - before.steps);
    return Math.sqrt(variance + share * (after.variance(method) - variance));
  }
}

function intervalOf(value: number, deviation: number | undefined): Pick<LoadForecast, "low" | "high"> {
  if (deviation === undefined) return { low: undefined, high: undefined };
  return { low: Math.max(0, value - Z_95 * deviation), high: value + Z_95 * deviation };
}

function confidenceOf(value: number, deviation: number | undefined, capacity: number | undefined): number | undefined {
  if (deviation === undefined || capacity === undefined || !(capacity > 0)) return undefined;
  if (deviation === 0) return value < capacity ? 1 : 0;
  return normalShareBelow((capacity - value) / deviation);
}

/** How far ahead, and of what capacity. */
export interface ForecastOptions extends Pick<ForecasterOptions, "stepMs" | "gains"> {
  readonly horizonMs: number;
  /** In the unit of the values. */
  readonly capacity?: number;
}

/** One measured value; any clock, in milliseconds. */
export interface LoadPoint {
  readonly atMs: number;
  readonly value: number;
}

/** The forecast from a series, oldest first: its means over steps are what is looked at. */
export function forecastLoad(points: readonly LoadPoint[], options: ForecastOptions): LoadForecast {
  const { horizonMs, capacity, stepMs = FORECAST_STEP_MS, gains } = options;
  const horizonsMs = [horizonMs];
  const forecaster = new LoadForecaster({ stepMs, horizonsMs, ...(gains !== undefined && { gains }) });
  const means = new GridMeans(stepMs, (step, mean) => forecaster.add(step, mean));
  for (const { atMs, value } of points) means.add(atMs, value);
  means.end();
  return forecaster.forecast(horizonMs, capacity);
}
