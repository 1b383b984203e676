import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** What a node gives up: its main process counts. */
export const DEGRADATION_METRICS = {
  degradationLevel: {
    ...gauge("signalbox_degradation_level", "level", "main"),
    help: "What the node gives up now: 0 nothing, to 5 all; see docs/degradation.md.",
    labels: [],
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
    labels: [],
  },
  degradationFleetLoad: {
    ...gauge("signalbox_degradation_fleet_load", "ratio", "main"),
    help: "The load of the fleet, weighted by capacity, as its leader has it; all other nodes say 0.",
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>;
