import { counter, gauge, histogram, type MetricSpec } from "./metric-spec.ts";

const CALL_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] as const;
const MARGIN_SECONDS = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30] as const;

/** What a node does with its coordination store: only its main process uses it. */
export const STORE_METRICS = {
  storeCalls: {
    ...histogram("signalbox_store_call_duration_seconds", "seconds", "sum"),
    help: "Calls of the coordination store, by operation and outcome; not_done: a comparison of a transaction did not hold.",
    labels: ["operation", "outcome"],
    buckets: CALL_SECONDS,
  },
  storeWatchLag: {
    ...histogram("signalbox_store_watch_lag_seconds", "seconds", "sum"),
    help: "How old at most what watches of the store told was: from asking it for its newest revision until a watch had it. Of one watch after the other, every 12 to 18 s; what one has not got by then is told each time.",
    labels: [],
    buckets: CALL_SECONDS,
  },
  storeResyncs: {
    ...counter("signalbox_store_resyncs_total", "resyncs", "sum"),
    help: "Watches that were told a difference in the place of changes: history was compacted, the store was wiped, or a regular comparison found what no event had told (diverged).",
    labels: ["why"],
    always: [["compacted"], ["wiped"], ["diverged"]],
  },
  storeLeaseMargin: {
    ...histogram("signalbox_store_lease_margin_seconds", "seconds", "sum"),
    help: "What was left of a session's lease when its renewal was answered: near 0, leaders and holders of locks are about to lose what they have.",
    labels: [],
    buckets: MARGIN_SECONDS,
  },
  storeHeldEpoch: {
    ...gauge("signalbox_store_held_epoch", "revision", "main"),
    help: "Epoch of each lock and leadership that this process holds: the store's revision at which it got it, which rises from holder to holder.",
    labels: ["what"],
    maxSeries: 500,
  },
  storeSessionsLost: {
    ...counter("signalbox_store_sessions_lost_total", "sessions", "sum"),
    help: "Sessions that were lost, and with them locks, leaderships and registrations: the store ended it, no renewal was answered in time, this process stood still for too long, or the thread that renews died.",
    labels: ["why"],
    always: [["ended"], ["unanswered"], ["stalled"], ["thread_died"]],
  },
} as const satisfies Record<string, MetricSpec>;
