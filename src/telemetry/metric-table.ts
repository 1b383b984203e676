/** One row of the table below: the only place where a metric is declared. */
export interface MetricSpec {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, rising; for histograms. */
  readonly buckets?: readonly number[];
  /** Label values whose series exist from the start, at zero. */
  readonly always?: readonly (readonly string[])[];
  /** More series than this are counted together under `other`. */
  readonly maxSeries?: number;
}

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30] as const;
const ITEMS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000] as const;

/** All metrics. Names starting with `otlp_` are the public contract of design.md; the rest are `signalbox_*`. */
export const METRICS = {
  // The contract.
  requests: {
    name: "otlp_requests_total",
    kind: "counter",
    unit: "requests",
    help: "Requests received, by the service of their first resource.",
    labels: ["region", "service"],
    maxSeries: 500,
  },
  errors: {
    name: "otlp_errors_total",
    kind: "counter",
    unit: "requests",
    help: "Requests that were answered with an error, by reason.",
    labels: ["region", "error_type"],
  },
  requestDuration: {
    name: "otlp_request_duration_seconds",
    kind: "histogram",
    unit: "seconds",
    help: "Time from a request's first byte to its reply.",
    labels: ["region", "method"],
    buckets: SECONDS,
  },
  batchSize: {
    name: "otlp_batch_size",
    kind: "histogram",
    unit: "items",
    help: "Items in each batch that was sent to a target.",
    labels: ["region"],
    buckets: ITEMS,
  },
} as const satisfies Record<string, MetricSpec>;
