import type { MetricSpec } from "./metric-spec.ts";

/** Rows of the metric table: the addresses behind the names of targets. */
export const ADDRESS_METRICS = {
  targetAddresses: {
    name: "signalbox_target_addresses",
    kind: "gauge",
    unit: "addresses",
    merge: "max",
    help: "Addresses behind the name of a target that are used, by their state; for targets whose names are resolved here.",
    labels: ["target", "state"],
    maxSeries: 20_000,
  },
  targetResolutions: {
    name: "signalbox_target_resolutions_total",
    kind: "counter",
    unit: "lookups",
    merge: "sum",
    help: "Lookups of the name of a target, by result: found, or failed, which changes nothing.",
    labels: ["target", "result"],
    maxSeries: 20_000,
  },
} as const satisfies Record<string, MetricSpec>;
