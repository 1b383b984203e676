import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** The node's load as its own monitor sees it: only its main process has one. */
export const LOAD_METRICS = {
  loadItems: {
    ...gauge("signalbox_node_load_items_per_second", "items per second", "main"),
    help: "Items received in the last second.",
    labels: [],
  },
  loadBytes: {
    ...gauge("signalbox_node_load_bytes_per_second", "bytes per second", "main"),
    help: "Bytes of requests received in the last second, as sent.",
    labels: [],
  },
  loadQueueItems: {
    ...gauge("signalbox_node_load_queue_items", "items", "main"),
    help: "Items that wait in the queues of all pools.",
    labels: [],
  },
  loadCpu: {
    ...gauge("signalbox_node_load_cpu_ratio", "ratio", "main"),
    help: "Processor time of all processes of the node, as a share of what its cgroup or the machine lets it use.",
    labels: [],
  },
  loadMemory: {
    ...gauge("signalbox_node_load_memory_ratio", "ratio", "main"),
    help: "Memory in use as a share of the limit of the cgroup; without one, of the machine's.",
    labels: [],
  },
  loadLoopDelay: {
    ...gauge("signalbox_node_load_event_loop_seconds", "seconds", "main"),
    help: "99th percentile of the event loop's delay in the last second: of the main process, or of its latest worker.",
    labels: [],
  },
  loadUtilization: {
    ...gauge("signalbox_node_load_utilization_ratio", "ratio", "main"),
    help: "The highest of the shares of processor, memory and queue; 1: nothing more fits.",
    labels: [],
  },
  loadLatency: {
    ...gauge("signalbox_node_load_latency_seconds", "seconds", "main"),
    help: "Mean time from a request's first byte to its reply in the last second; by Little's law where none was answered.",
    labels: [],
  },
  loadCapacity: {
    ...gauge("signalbox_node_load_capacity_items_per_second", "items per second", "main"),
    help: "What the node can carry: as configured, or learned from what it carries; 0 while it is not known.",
    labels: [],
  },
  loadForecastCoverage: {
    ...gauge("signalbox_node_load_forecast_coverage_ratio", "ratio", "main"),
    help: "Share of what came that was within the interval forecast for it, by horizon; 0.95 is meant. Absent while too little is known.",
    labels: ["horizon"],
    maxSeries: 50,
  },
  loadForecastSkill: {
    ...gauge("signalbox_node_load_forecast_skill_ratio", "ratio", "main"),
    help: "1 - error of the forecast / error of saying that nothing changes, by horizon; below 0 the latter is used. Absent while too little is known.",
    labels: ["horizon"],
    maxSeries: 50,
  },
  loadSamples: {
    ...counter("signalbox_node_load_samples_total", "samples", "main"),
    help: "Samples of the load, by whether they were taken.",
    labels: ["result"],
    always: [["taken"], ["failed"]],
  },
} as const satisfies Record<string, MetricSpec>;
