import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** What a controller of a fleet does: only a node's main process is one. */
export const CONTROLLER_METRICS = {
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
    labels: [],
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
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>;
