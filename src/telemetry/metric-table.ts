import { REASONS } from "../core/reason.ts";
import { CONTROL_METRICS } from "./control-metric-table.ts";
import { counter, gauge, histogram, type MetricSpec } from "./metric-spec.ts";
import { SAMPLING_METRICS } from "./sampling-metric-table.ts";
import { TARGET_METRICS } from "./target-metric-table.ts";

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30] as const;
const ITEMS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000] as const;

/**
 * All metrics. Names starting with `otlp_` are the public contract of design.md; the rest are
 * `signalbox_*`.
 */
export const METRICS = {
  // The contract.
  requests: {
    ...counter("otlp_requests_total", "requests", "sum"),
    help: "Requests received, by the service of their first resource.",
    labels: ["region", "service"],
    maxSeries: 500,
  },
  errors: {
    ...counter("otlp_errors_total", "requests", "sum"),
    help: "Requests that were answered with an error, by reason.",
    labels: ["region", "error_type"],
  },
  requestDuration: {
    ...histogram("otlp_request_duration_seconds", "seconds", "sum"),
    help: "Time from a request's first byte to its reply.",
    labels: ["region", "method"],
    buckets: SECONDS,
  },
  batchSize: {
    ...histogram("otlp_batch_size", "items", "sum"),
    help: "Items in each batch that was sent to a target.",
    labels: ["region"],
    buckets: ITEMS,
  },

  // Conservation: the ledger's numbers.
  ledgerItems: {
    ...counter("signalbox_ledger_items_total", "items", "sum"),
    help: "What became of items, by rule and pool. received + copied = all other outcomes + signalbox_ledger_queued_items.",
    labels: ["signal", "rule", "pool", "outcome"],
    maxSeries: 20_000,
  },
  lostItems: {
    ...counter("signalbox_lost_items_total", "items", "sum"),
    help: "Items whose sender was told that all is well, and that nobody has: refused for good, given up or too old. GET /api/v1/drops has some.",
    labels: ["reason"],
    always: REASONS.map((reason) => [reason]),
  },
  ledgerQueued: {
    ...gauge("signalbox_ledger_queued_items", "items", "sum"),
    help: "Items in queues or on their way to a target.",
    labels: ["signal", "rule", "pool"],
    maxSeries: 20_000,
  },
  ledgerImbalance: {
    ...gauge("signalbox_ledger_imbalance_items", "items", "sum"),
    help: "Items taken in but not accounted for. Anything but 0 is a fault of Signalbox.",
    labels: ["signal"],
  },

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
  ...SAMPLING_METRICS,

  // Limits.
  limitItems: {
    ...counter("signalbox_limit_items_total", "items", "sum"),
    help: "What global.rate_limiting decided: let_in; refused to be sent again, over_total or over_key; shed, told as final loss; given_back: let in, and refused by a later stage.",
    labels: ["signal", "decision"],
    always: ["let_in", "over_total", "over_key", "shed", "given_back"].flatMap((decision) => [
      ["traces", decision],
      ["metrics", decision],
      ["logs", decision],
    ]),
  },
  limitGranted: {
    ...gauge("signalbox_limit_granted_items", "items", "sum"),
    help: "Items a second that may be let in now, of everything together: in a fleet what the node is granted. 0 without limits.",
  },
  limitKeys: {
    ...gauge("signalbox_limit_keys", "keys", "sum"),
    help: "Keys that have a bucket of their own; of 10,000 in one process the rest share one.",
  },

  // The config walk.
  configApplies: {
    ...counter("signalbox_config_applies_total", "configs", "main"),
    help: "Configs that were read, by what came of it.",
    labels: ["result"],
    always: [["applied"], ["unreadable"], ["invalid"], ["failed"]],
  },
  configVersion: {
    ...gauge("signalbox_config_version", "version", "main"),
    help: "Version of the running config; counts up from 1 with every config that was applied.",
  },
  fleetConfigTrouble: {
    ...gauge("signalbox_fleet_config_trouble", "boolean", "main"),
    help: "1 while this node does not follow the config of its fleet, by why; always 0 where the config is a file.",
    labels: ["kind"],
    always: [["unreachable"], ["unformed"], ["isolated"], ["none"], ["bad"]],
  },
  configLastApplyFailed: {
    ...gauge("signalbox_config_last_apply_failed", "boolean", "main"),
    help: "1 while the newest config that was read is not the running one, because it could not be applied.",
  },

  // The process.
  buildInfo: {
    ...gauge("signalbox_build_info", "info", "main"),
    help: "Always 1; the labels tell what runs.",
    labels: ["version", "node_version"],
  },
  processMemory: {
    ...gauge("signalbox_process_resident_memory_bytes", "bytes", "sum"),
    help: "Resident set size of the process.",
  },
  processCpu: {
    ...counter("signalbox_process_cpu_seconds_total", "seconds", "sum"),
    help: "Processor time that the process has used, user and system.",
  },
  processStart: {
    ...gauge("signalbox_process_start_time_seconds", "seconds", "main"),
    help: "When the process started, in seconds since 1970.",
  },
  eventLoopDelay: {
    ...gauge("signalbox_event_loop_delay_p99_seconds", "seconds", "max"),
    help: "99th percentile of the delay of the event loop since the metrics were last read.",
  },

  workerRestarts: {
    ...counter("signalbox_worker_restarts_total", "workers", "main"),
    help: "Workers that ended and were started again, by why they ended; `silent`: killed, since it did not answer in time.",
    labels: ["reason"],
    always: [["out_of_memory"], ["crashed"], ["killed"], ["silent"], ["exited"]],
  },
  workerUncounted: {
    ...counter("signalbox_worker_uncounted_seconds_total", "seconds", "main"),
    help: "Time before the ends of workers of which nothing is counted, in no metric and in no row of the ledger: from their last reports on. Zero where all ended in order, or by a fault that they could tell of.",
  },
  workerLent: {
    ...counter("signalbox_worker_lent_total", "parts", "main"),
    help: "Times that a worker was lent more of a limit of the node, by limit; `calls`: `max_in_flight` of a target, `queue`: `max_bytes` of a pool, `items`: `buffer_size` of the region.",
    labels: ["limit"],
    always: [["bytes"], ["requests"], ["calls"], ["queue"], ["items"], ["retries"]],
  },
  pluginEditions: {
    ...gauge("signalbox_plugin_editions", "modules", "max"),
    help: "Contents of plugins that this process holds; it never lets go of one, and takes 64.",
  },

  // The admin API.
  adminRequests: {
    ...counter("signalbox_admin_requests_total", "requests", "main"),
    help: "Requests to the admin listener, by HTTP status.",
    labels: ["status"],
    maxSeries: 50,
  },

  // Receive and admit.
  receivedBytes: {
    ...counter("signalbox_receive_bytes_total", "bytes", "sum"),
    help: "Bytes of requests that came whole, as sent: before they were inflated.",
    labels: ["region", "method"],
  },
  admitInFlightBytes: {
    ...gauge("signalbox_admit_inflight_bytes", "bytes", "sum"),
    help: "Bytes held by requests that are not settled yet: as sent, and what they were inflated or transcoded to.",
  },
  admitInFlightRequests: {
    ...gauge("signalbox_admit_inflight_requests", "requests", "sum"),
    help: "Requests that are not settled yet.",
  },
  arenaBytes: {
    ...gauge("signalbox_arena_bytes", "bytes", "sum"),
    help: "Memory that is there for the bodies of requests, used or not.",
  },
  arenaUsedBytes: {
    ...gauge("signalbox_arena_used_bytes", "bytes", "sum"),
    help: "Of it, the chunks in which there is a body that somebody still needs: a request, a queue or a socket.",
  },
  arenaStayingBytes: {
    ...gauge("signalbox_arena_staying_bytes", "bytes", "sum"),
    help: "Of them, the chunks that hold something that was acknowledged before it is delivered; at most a quarter of max_in_flight_bytes, beyond that it is copied.",
  },
  arenaMovedOut: {
    ...counter("signalbox_arena_moved_out_bytes_total", "bytes", "sum"),
    help: "Bytes that were copied out of the arena, since they waited for more than a second and held four times as much or more.",
    always: [[]],
  },
  arenaNoRoom: {
    ...counter("signalbox_arena_no_room_total", "requests", "sum"),
    help: "Requests refused because their body found no place: full, or fragmented when enough was free, but not in one piece.",
    labels: ["cause"],
    always: [["full"], ["fragmented"]],
  },
  arenaMisused: {
    ...gauge("signalbox_arena_misused", "places", "sum"),
    help: "Places of bodies that were given back twice, or taken after their end: always 0, else it is a fault of Signalbox.",
  },
  admitRefusals: {
    ...counter("signalbox_admit_refusals_total", "requests", "sum"),
    help: "Requests refused by limits, by reason; most of them before their body was read.",
    labels: ["reason"],
    always: [["memory"], ["too_many_requests"], ["shutting_down"], ["degraded"]],
  },
  circlingItems: {
    ...counter("signalbox_circling_items_total", "items", "sum"),
    help: "Items that were refused since they would have gone back to nodes of the fleet that they came through, or had come over more than node.limits.max_hops links between such: targets by collectors send them in a circle.",
  },
  requestExcesses: {
    ...counter("signalbox_request_excesses_total", "requests", "sum"),
    help: "Requests refused as too_large because of how much they hold, whatever their bytes: by what there was too much of.",
    labels: ["what"],
    always: [
      ["resources"],
      ["scopes"],
      ["items"],
      ["points"],
      ["attributes"],
      ["fields"],
      ["json_objects"],
      ["json_names"],
      ["parts"],
    ],
  },
  resourceCacheBytes: {
    ...gauge("signalbox_resource_cache_bytes", "bytes", "sum"),
    help: "Memory of what is remembered of resources: their bytes, and what rules have yet to ask of their items.",
    labels: ["signal"],
  },
  resourceCacheEntries: {
    ...gauge("signalbox_resource_cache_entries", "resources", "sum"),
    help: "Distinct resources that are remembered.",
    labels: ["signal"],
  },
  resourceCacheEvictions: {
    ...counter("signalbox_resource_cache_evictions_total", "resources", "sum"),
    help: "Resources that were forgotten for want of room. If it keeps rising, each of them is decoded and asked all rules again.",
    labels: ["signal"],
    always: [["traces"], ["metrics"], ["logs"]],
  },

  // Transport.
  certificateExpiry: {
    ...gauge("signalbox_certificate_expiry_timestamp_seconds", "seconds", "main"),
    help: "When a certificate of the config ends, in seconds since 1970; of several in one place the first to end.",
    labels: ["place"],
    maxSeries: 2_000,
  },
  connectionsRefused: {
    ...counter("signalbox_connections_refused_total", "connections", "sum"),
    help: "Connections that ended before they were any: beyond the limit, or by a TLS handshake that failed.",
    labels: ["listener", "reason"],
  },
  http2Faults: {
    ...counter("signalbox_http2_faults_total", "connections", "sum"),
    help: "Connections of gRPC that were ended because of an error or an abuse of HTTP/2, by the side that Signalbox was.",
    labels: ["side", "reason"],
  },

  http1Faults: {
    ...counter("signalbox_http1_faults_total", "connections", "sum"),
    help: "Connections of OTLP/HTTP that were ended because of an error or an abuse of HTTP/1.1, with transport own.",
    labels: ["reason"],
  },
  http1ReplyFaults: {
    ...counter("signalbox_http1_reply_faults_total", "replies", "sum"),
    help: "Replies of targets over HTTP/1.1 that broke its rules, or broke off: the connection ends with each; a status that was read holds.",
    labels: ["reason"],
  },

  // Delivery.
  exportSends: {
    ...counter("signalbox_export_sends_total", "batches", "sum"),
    help: "Batches sent to a target, by how it ended: accepted, too_large, rejected, or the reason why it may be tried again.",
    labels: ["target", "outcome"],
  },
  exportUnreadable: {
    ...counter("signalbox_export_unreadable_replies_total", "replies", "sum"),
    help: "Replies of a target that say that a batch was taken, and cannot be read: what the target rejected of it is not known.",
    labels: ["target"],
  },
  exportSplits: {
    ...counter("signalbox_export_splits_total", "batches", "sum"),
    help: "Batches that a target refused for their size, or perhaps for it, and that are sent in parts, by what it said: too_large, exhausted (RESOURCE_EXHAUSTED), or bad_data (400).",
    labels: ["target", "reason"],
  },
  exportLearned: {
    ...gauge("signalbox_export_learned_max_bytes", "bytes", "max"),
    help: "What a target was seen to take where it refuses larger requests: batches are cut to it. 0 while nothing was learned.",
    labels: ["target"],
  },
  exportInFlight: {
    ...gauge("signalbox_export_inflight", "batches", "sum"),
    help: "Batches under way to a target.",
    labels: ["target"],
  },
  exportWindow: {
    ...gauge("signalbox_export_window", "batches", "sum"),
    help: "How many batches a target may have under way; adapts to what it can take.",
    labels: ["target"],
  },
  ...TARGET_METRICS,
  ...CONTROL_METRICS,
  poolPanic: {
    ...gauge("signalbox_pool_panic", "boolean", "max"),
    help: "1 while less than half of a pool's targets are ready, so that it uses all of them.",
    labels: ["pool"],
    maxSeries: 20_000,
  },
  poolPanics: {
    ...counter("signalbox_pool_panics_total", "panics", "sum"),
    help: "How often a pool began to panic.",
    labels: ["pool"],
    maxSeries: 20_000,
  },
  poolRetries: {
    ...counter("signalbox_pool_retries_total", "batches", "sum"),
    help: "Batches that a pool tries again, by reason.",
    labels: ["pool", "reason"],
  },
  poolTenants: {
    ...gauge("signalbox_pool_tenants", "tenants", "max"),
    help: "Different values of the headers that a pool's targets are passed on, of which the pool holds something.",
    labels: ["pool"],
  },
  poolCrowded: {
    ...counter("signalbox_pool_crowded_parcels_total", "parcels", "sum"),
    help: "Parcels that wait together with those of other tenants, because 1,000 tenants of the pool wait apart.",
    labels: ["pool"],
  },
  poolFailover: {
    ...counter("signalbox_pool_failover_items_total", "items", "sum"),
    help: "Items of a pool that was full or had no usable target, which went to a fallback pool: as they arrived, or out of its queue.",
    labels: ["pool", "to", "when"],
  },
  queueBytes: {
    ...gauge("signalbox_queue_bytes", "bytes", "sum"),
    help: "Bytes that a pool holds: waiting and under way.",
    labels: ["pool"],
  },
  queueItems: {
    ...gauge("signalbox_queue_items", "items", "sum"),
    help: "Items that wait in a pool's queue, without those under way.",
    labels: ["pool"],
  },
  queueItemsLimit: {
    ...gauge("signalbox_queue_items_limit", "items", "max"),
    help: "Items that a pool may hold on this node, by buffer_size of its region; 0: bytes alone bind.",
    labels: ["pool"],
  },
  queueAge: {
    ...gauge("signalbox_queue_age_seconds", "seconds", "max"),
    help: "Age of the oldest parcel that is ready to leave a pool's queue.",
    labels: ["pool"],
  },
} as const satisfies Record<string, MetricSpec>;
