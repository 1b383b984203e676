import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** What sources are told to send: only a node's main process tells it. */
export const REMOTE_SAMPLING_METRICS = {
  remoteSamplingRequests: {
    ...counter("signalbox_remote_sampling_requests_total", "requests", "main"),
    help: "Requests of sources that ask what to send, by listener and outcome. not_told: sampling is not by hash, or there is no config yet; invalid: not what the protocol has.",
    labels: ["listener", "outcome"],
    always: ["sampling_http", "sampling_grpc"].flatMap((listener) => [
      [listener, "told"],
      [listener, "not_told"],
      [listener, "invalid"],
    ]),
  },
  remoteSamplingRate: {
    ...gauge("signalbox_remote_sampling_rate_ratio", "ratio", "main"),
    help: "Share of their traces that sources are told to send, by class, as of when they asked last; 1 until one asks.",
    labels: ["class"],
    maxSeries: 200,
  },
} as const satisfies Record<string, MetricSpec>;
