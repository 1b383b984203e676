/**
 * `sum` of all processes; the `max` of them; or what the `main` process says, which alone knows it.
 */
export type Merge = "sum" | "max" | "main";

/** One row of the table of metrics (metric-table.ts): the only place where a metric is declared. */
export interface MetricSpec {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What the number of a node is, whose data plane counts in several processes. */
  readonly merge: Merge;
  /** Upper bounds, rising; for histograms. */
  readonly buckets?: readonly number[];
  /** Label values whose series exist from the start, at zero. */
  readonly always?: readonly (readonly string[])[];
  /** More series than this are counted together under `other`. */
  readonly maxSeries?: number;
}

/** What rows begin with: a counter of this name and unit, which adds up so over processes. */
export const counter = rowsOf("counter");
export const gauge = rowsOf("gauge");
export const histogram = rowsOf("histogram");

/** It has no labels where its row names none. */
interface Head<Kind extends MetricSpec["kind"]> extends Pick<MetricSpec, "name" | "unit" | "merge"> {
  readonly kind: Kind;
  readonly labels: readonly [];
}

function rowsOf<Kind extends MetricSpec["kind"]>(kind: Kind): (name: string, unit: string, merge: Merge) => Head<Kind> {
  return (name, unit, merge) => ({ name, kind, unit, merge, labels: [] });
}
