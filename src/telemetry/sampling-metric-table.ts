import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** As many as a Report tells of: what leaders do not hear of they cannot go by. */
export const MOST_RECEIVED_SERIES = 1_000;

const BY_OCTAVE = {
  labels: ["signal", "class", "octave"],
  maxSeries: MOST_RECEIVED_SERIES,
} as const;
const OCTAVES =
  "by class and the octave of the probability that they came with: 0: above a half, each next one half of that, none: without randomness. Counted where a strategy follows what comes";

/** What sampling decides, and what the loop of its rates goes by. */
export const SAMPLING_METRICS = {
  samplingItems: {
    ...counter("signalbox_sampling_items_total", "items", "sum"),
    help: "What sampling decided, by class: kept as it was, marked (kept, and told with what probability), dropped; `strategy`: what lowered the class most. With dry_run nothing of it is done.",
    labels: ["signal", "class", "strategy", "decision"],
    maxSeries: 2_000,
  },
  samplingOddities: {
    ...counter("signalbox_sampling_oddities_total", "items", "sum"),
    help: "What sampling met beside. no_randomness: kept, without a trace id or whatever else decides; inconsistent: came with a threshold above its randomness, which is not believed; unmarked: kept without a mark, since what it came with is not readable.",
    labels: ["signal", "kind"],
    always: ["no_randomness", "inconsistent", "unmarked"].flatMap((kind) => [
      ["traces", kind],
      ["logs", kind],
    ]),
  },
  samplingReceivedItems: {
    ...counter("signalbox_sampling_received_items_total", "items", "sum"),
    help: `Items before sampling, ${OCTAVES}.`,
    ...BY_OCTAVE,
  },
  samplingReceivedBytes: {
    ...counter("signalbox_sampling_received_bytes_total", "bytes", "sum"),
    help: `Bytes of items before sampling, ${OCTAVES}.`,
    ...BY_OCTAVE,
  },
  samplingReceivedTraces: {
    ...counter("signalbox_sampling_received_traces_total", "traces", "sum"),
    help: `Spans without a parent before sampling, ${OCTAVES}.`,
    ...BY_OCTAVE,
  },
  samplingReceivedAdjusted: {
    ...counter("signalbox_sampling_received_adjusted_total", "items", "sum"),
    help: `How many items those before sampling stand for, ${OCTAVES}.`,
    ...BY_OCTAVE,
  },
  samplingReceivedKept: {
    ...counter("signalbox_sampling_received_kept_total", "items", "sum"),
    help: `Items that sampling has kept, ${OCTAVES}.`,
    ...BY_OCTAVE,
  },
  samplingGuard: {
    ...gauge("signalbox_sampling_guard_active", "1", "max"),
    help: "1 while the node's guard keeps less than was decided: more comes than the last directive foresaw.",
  },
  samplingProbability: {
    ...gauge("signalbox_sampling_probability_ratio", "ratio", "main"),
    help: "Share of each class that is kept at most, as it was decided last; the guard may keep less.",
    labels: ["signal", "class"],
  },
  samplingStage: {
    ...gauge("signalbox_sampling_stage", "boolean", "main"),
    help: "1: rates that follow what comes are those of the last directive, of that one within the node's share (guarded), or static_rate (static).",
    labels: ["stage"],
  },
  samplingStrategyState: {
    ...gauge("signalbox_sampling_strategy_state", "boolean", "main"),
    help: "1: a strategy that follows what comes is in this state. over_target: more is kept than is allowed, at its lowest rate; bound_by_ceilings: less, since other settings drop the rest.",
    labels: ["strategy", "state"],
  },
  samplingSpent: {
    ...gauge("signalbox_sampling_spent_ratio", "ratio", "main"),
    help: "Part of the hour's budget of a cost_based strategy that is spent.",
    labels: ["strategy"],
  },
} as const satisfies Record<string, MetricSpec>;
