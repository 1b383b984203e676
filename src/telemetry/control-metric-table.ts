import { counter, gauge, histogram, type MetricSpec } from "./metric-spec.ts";

const CALL_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] as const;
const MARGIN_SECONDS = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30] as const;

/** What a node does beside its data: its main process alone does so, and counts. */
export const CONTROL_METRICS = {
  // What a node does with its coordination store.
  storeCalls: {
    ...histogram("signalbox_store_call_duration_seconds", "seconds", "sum"),
    help: "Calls of the coordination store, by operation and outcome; not_done: a comparison of a transaction did not hold.",
    labels: ["operation", "outcome"],
    buckets: CALL_SECONDS,
  },
  storeWatchLag: {
    ...histogram("signalbox_store_watch_lag_seconds", "seconds", "sum"),
    help: "How old at most what watches of the store told was: from asking it for its newest revision until a watch had it. Of one watch after the other, every 12 to 18 s; what one has not got by then is told each time.",
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

  // How a node and the controllers of its fleet talk.
  fleetCalls: {
    ...counter("signalbox_fleet_calls_total", "calls", "sum"),
    help: "Calls that this node has answered as a controller, by method and outcome; refused: a message or a node that it does not take.",
    labels: ["method", "outcome"],
  },
  fleetHeldCalls: {
    ...gauge("signalbox_fleet_calls_in_flight", "calls", "main"),
    help: "Calls that this node has not answered yet as a controller; those of await are held.",
    labels: ["method"],
  },
  fleetConnections: {
    ...gauge("signalbox_fleet_connections", "connections", "main"),
    help: "Connections of nodes to this node as their controller.",
  },
  fleetRefusedConnections: {
    ...counter("signalbox_fleet_refused_connections_total", "connections", "sum"),
    help: "Connections of nodes that were closed: before their handshake, as there were too many new ones in a second (rate) or too many at all (limit); without a call of the fleet's in 15 s (silent).",
    labels: ["reason"],
    always: [["rate"], ["limit"], ["silent"]],
  },
  fleetRefusedNodes: {
    ...counter("signalbox_fleet_refused_nodes_total", "calls", "sum"),
    help: "Calls of somebody without the fleet's token, or of a node whose certificate has another id than its message.",
  },
  fleetReports: {
    ...counter("signalbox_fleet_reports_total", "reports", "sum"),
    help: "Reports of this node that its controller has answered.",
  },
  fleetReportAge: {
    ...gauge("signalbox_fleet_last_report_age_seconds", "seconds", "main"),
    help: "Since the last Report of this node that was answered; -1: none was.",
  },
  fleetControllerLost: {
    ...counter("signalbox_fleet_controller_lost_total", "times", "sum"),
    help: "Times that this node left a controller: it led no more, could not be reached, or refused this node.",
    labels: ["why"],
    always: [["not_leader"], ["unreachable"], ["refused"]],
  },
  fleetDirectives: {
    ...counter("signalbox_fleet_directives_total", "directives", "sum"),
    help: "Directives that came to this node, by what became of them; older_epoch: of somebody who leads no more.",
    labels: ["verdict"],
    always: [["applied"], ["older_epoch"], ["expired"]],
  },
  fleetDirectivesOver: {
    ...counter("signalbox_fleet_directives_over_total", "directives", "sum"),
    help: "Directives that were obeyed, and whose time was over before another one came.",
  },
  fleetDirectiveEpoch: {
    ...gauge("signalbox_fleet_directive_epoch", "revision", "main"),
    help: "Epoch of the directive that is obeyed, by scope: the store's revision at which its leader came to lead.",
    labels: ["scope"],
    maxSeries: 64,
  },
  fleetMembers: {
    ...gauge("signalbox_fleet_members", "nodes", "main"),
    help: "Nodes of the fleet that targets stand for, over all that is selected: used, kept (those used of whom their controller hears no more), or unused since more than 64 fit.",
    labels: ["state"],
  },

  // The node's load as its own monitor sees it.
  loadItems: {
    ...gauge("signalbox_node_load_items_per_second", "items per second", "main"),
    help: "Items received in the last second.",
  },
  loadBytes: {
    ...gauge("signalbox_node_load_bytes_per_second", "bytes per second", "main"),
    help: "Bytes of requests received in the last second, as sent.",
  },
  loadQueueItems: {
    ...gauge("signalbox_node_load_queue_items", "items", "main"),
    help: "Items that wait in the queues of all pools.",
  },
  loadCpu: {
    ...gauge("signalbox_node_load_cpu_ratio", "ratio", "main"),
    help: "Processor time of all processes of the node, as a share of what its cgroup or the machine lets it use.",
  },
  loadMemory: {
    ...gauge("signalbox_node_load_memory_ratio", "ratio", "main"),
    help: "Memory in use as a share of the limit of the cgroup; without one, of the machine's.",
  },
  loadLoopDelay: {
    ...gauge("signalbox_node_load_event_loop_seconds", "seconds", "main"),
    help: "99th percentile of the event loop's delay in the last second: of the main process, or of its latest worker.",
  },
  loadUtilization: {
    ...gauge("signalbox_node_load_utilization_ratio", "ratio", "main"),
    help: "The highest of the shares of processor, memory and queue; 1: nothing more fits.",
  },
  loadLatency: {
    ...gauge("signalbox_node_load_latency_seconds", "seconds", "main"),
    help: "Mean time from a request's first byte to its reply in the last second; by Little's law where none was answered.",
  },
  loadCapacity: {
    ...gauge("signalbox_node_load_capacity_items_per_second", "items per second", "main"),
    help: "What the node can carry: as configured, or learned from what it carries; 0 while it is not known.",
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

  // What a controller of a fleet does.
  controllerCollectors: {
    ...gauge("signalbox_controller_collectors", "collectors", "main"),
    help: "Collectors that report to this controller, by region and state; suspect: two Reports were missed.",
    labels: ["region", "state"],
    maxSeries: 200,
  },
  controllerAwaits: {
    ...gauge("signalbox_controller_held_awaits", "calls", "main"),
    help: "Calls of collectors that wait for a directive, one of each.",
    labels: ["region"],
    maxSeries: 100,
  },
  controllerDiscovers: {
    ...gauge("signalbox_controller_held_discovers", "calls", "main"),
    help: "Calls of collectors that look for members of the fleet and wait until there are others, one of each.",
    labels: ["region"],
    maxSeries: 100,
  },
  controllerDiscoverBounds: {
    ...counter("signalbox_controller_discover_bounds_total", "times", "sum"),
    help: "Times that something was left out for those who look for members of the fleet: held (a call was answered at once, as too many are held), selections (one was looked up anew, of more than 256), left (who has left was not told, of more than 64), regions (one of another region was not followed, of more than 64), no_leader (a region has no controller that is known).",
    labels: ["bound"],
    always: [["held"], ["selections"], ["left"], ["regions"], ["no_leader"]],
  },
  controllerReports: {
    ...counter("signalbox_controller_reports_total", "reports", "sum"),
    help: "Reports of collectors, by what became of them; old: overtaken, or of an earlier start of a node or another one with its id; full: more collectors than a controller lists.",
    labels: ["outcome"],
    always: [["joined"], ["restarted"], ["taken"], ["old"], ["full"]],
  },
  controllerSummaries: {
    ...counter("signalbox_controller_summary_writes_total", "writes", "sum"),
    help: "Summaries of regions that this controller has written to the store.",
  },
  controllerSummaryBytes: {
    ...gauge("signalbox_controller_summary_bytes", "bytes", "main"),
    help: "Size of the region's summary that was written last, of 8 KiB at most.",
    labels: ["region"],
    maxSeries: 100,
  },
  controllerAdopted: {
    ...gauge("signalbox_controller_adopted_regions", "regions", "main"),
    help: "Regions without a controller of their own whose collectors report to this node, which leads the fleet.",
  },

  // A config that some nodes of a fleet try: whoever leads the fleet counts.
  rolloutStage: {
    ...gauge("signalbox_rollout_stage", "boolean", "main"),
    help: "1: a staged config is in this stage, as the leader of the fleet has it; all other nodes say 0.",
    labels: ["stage"],
  },
  rolloutPaused: {
    ...gauge("signalbox_rollout_paused", "boolean", "main"),
    help: "1: the staged config that is tried stays in its stage until somebody resumes it.",
  },
  rolloutWaiting: {
    ...gauge("signalbox_rollout_waiting", "boolean", "main"),
    help: "1: the staged config that is tried waits for something; GET /api/v1/config/rollout says for what.",
  },
  rolloutNodesGone: {
    ...gauge("signalbox_rollout_nodes_gone", "nodes", "main"),
    help: "Nodes that went away while they ran the staged config in this stage: restarted or gone (lost), or stopped in good order (left). Too many of them end it.",
    labels: ["how"],
  },
  rolloutFailureRatio: {
    ...gauge("signalbox_rollout_failure_ratio", "ratio", "main"),
    help: "Share of the items that failed in the newest window of 30 s: where the staged config runs (canary), and elsewhere at the same time (control).",
    labels: ["group"],
  },
  rolloutWindows: {
    ...counter("signalbox_rollout_windows_total", "windows", "sum"),
    help: "Windows of 30 s of a staged config; over: more fails where it runs than elsewhere; doubtful: more waits, or is refused, there; too_little: not enough traffic to tell.",
    labels: ["verdict"],
    always: [["good"], ["over"], ["doubtful"], ["too_little"]],
  },
  rollouts: {
    ...counter("signalbox_rollouts_total", "configs", "sum"),
    help: "Staged configs that have ended, by how; superseded: another version was published meanwhile.",
    labels: ["outcome"],
    always: [["done"], ["rolled_back"], ["aborted"], ["superseded"]],
  },

  // What sources are told to send.
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

  // What a node gives up.
  degradationLevel: {
    ...gauge("signalbox_degradation_level", "level", "main"),
    help: "What the node gives up now: 0 nothing, to 5 all; see docs/degradation.md.",
  },
  degradationStress: {
    ...gauge("signalbox_degradation_stress", "ratio", "main"),
    help: "How near each signal is to the worst there is; the highest decides the level. 0 before the first sample of the load.",
    labels: ["signal"],
  },
  degradationChanges: {
    ...counter("signalbox_degradation_changes_total", "changes", "main"),
    help: "How often the level went up, or down.",
    labels: ["direction"],
    always: [["up"], ["down"]],
  },
  degradationFleet: {
    ...gauge("signalbox_degradation_fleet", "boolean", "main"),
    help: "1: the fleet is degraded as far as this node knows, and what is not protected is kept at target_rate at most.",
  },
  degradationFleetLoad: {
    ...gauge("signalbox_degradation_fleet_load", "ratio", "main"),
    help: "The load of the fleet, weighted by capacity, as its leader has it; all other nodes say 0.",
  },
} as const satisfies Record<string, MetricSpec>;
