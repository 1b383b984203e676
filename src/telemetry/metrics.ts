import { Unreachable } from "../core/unreachable.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { METRICS } from "./metric-table.ts";

/** A number that only grows. Hot code keeps the handle and adds once per batch. */
export interface Counter {
  value: number;
  add(amount: number): void;
}

/** A number that is read when somebody asks for it. */
export interface Gauge {
  /** Replaces whatever was read before. */
  read(source: () => number): void;
  readonly value: number;
}

export interface Histogram {
  /** Counts per bucket of the table's `buckets`, then one for +Inf; not cumulative. */
  readonly counts: Float64Array;
  sum: number;
  observe(value: number): void;
}

interface SeriesOf {
  readonly counter: Counter;
  readonly gauge: Gauge;
  readonly histogram: Histogram;
}

/** All series of one metric. Label values beyond `maxSeries` are counted together under `other`. */
interface Family<Series, Labels extends readonly string[]> {
  readonly spec: MetricSpec;
  with(...values: { readonly [L in keyof Labels]: string }): Series;
  /** Forgets a gauge whose thing is gone. Counters stay: they must never fall. */
  remove(...values: { readonly [L in keyof Labels]: string }): void;
  readonly series: ReadonlyMap<string, { readonly labels: readonly string[]; readonly series: Series }>;
}

type MetricTable = typeof METRICS;
export type Metrics = {
  readonly [K in keyof MetricTable]: Family<SeriesOf[MetricTable[K]["kind"]], MetricTable[K]["labels"]>;
};

export const MAX_SERIES = 2_000;

/** One owner of all numbers of a process; pass it on, there is no global. */
export function createMetrics(): Metrics {
  const families = Object.entries(METRICS).map(([key, spec]) => [key, createFamily(spec)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets which key has which family
  return Object.fromEntries(families) as Metrics;
}

function createFamily(spec: MetricSpec): Family<SeriesOf[MetricSpec["kind"]], readonly string[]> {
  const all = new Map<string, { labels: readonly string[]; series: SeriesOf[MetricSpec["kind"]] }>();
  const find = (values: readonly string[]): SeriesOf[MetricSpec["kind"]] => {
    const known = all.get(values.join("\u0000"));
    if (known !== undefined) return known.series;
    const labels = all.size < (spec.maxSeries ?? MAX_SERIES) ? values : values.map(() => "other");
    const key = labels.join("\u0000");
    const entry = all.get(key) ?? { labels, series: createSeries(spec) };
    all.set(key, entry);
    return entry.series;
  };
  if (spec.labels.length === 0) find([]); // counters without labels are there from zero
  for (const values of spec.always ?? []) find(values);
  return {
    spec,
    series: all,
    with: (...values) => find(values),
    remove: (...values) => void all.delete(values.join("\u0000")),
  };
}

function createSeries(spec: MetricSpec): SeriesOf[MetricSpec["kind"]] {
  switch (spec.kind) {
    case "counter":
      return createCounter();
    case "gauge":
      return createGauge();
    case "histogram":
      return createHistogram(spec.buckets ?? []);
    default:
      throw new Unreachable(spec.kind satisfies never);
  }
}

function createCounter(): Counter {
  return {
    value: 0,
    add(amount) {
      this.value += amount;
    },
  };
}

function createGauge(): Gauge {
  let source = zero;
  return {
    read(next) {
      source = next;
    },
    get value() {
      return source();
    },
  };
}

function zero(): number {
  return 0;
}

function createHistogram(buckets: readonly number[]): Histogram {
  return {
    counts: new Float64Array(buckets.length + 1),
    sum: 0,
    observe(value) {
      let at = 0;
      while (at < buckets.length && value > buckets[at]!) at++;
      this.counts[at]! += 1;
      this.sum += value;
    },
  };
}
