import { counter, type MetricSpec } from "./metric-spec.ts";

/** Metrics of requests that pass compressed as they came. */
export const PASSED_METRICS = {
  passedRequests: {
    ...counter("signalbox_passed_requests_total", "requests", "sum"),
    help: "Requests that were passed on compressed as they came, and so are in no count of items: received; then delivered, rejected by a target, shed, or read after all (and counted by their items from there).",
    labels: ["signal", "pool", "outcome"],
  },
  passedBytes: {
    ...counter("signalbox_passed_bytes_total", "bytes", "sum"),
    help: "Bytes of requests that were passed on compressed, as they came.",
    labels: ["signal", "pool"],
  },
  passedRejectedItems: {
    ...counter("signalbox_passed_rejected_items_total", "items", "sum"),
    help: "Items that targets rejected of requests that were passed on compressed, by their partial_success.",
    labels: ["signal", "pool"],
  },
} as const satisfies Record<string, MetricSpec>;
