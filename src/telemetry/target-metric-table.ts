import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** What targets are like, and what became of them: a part of the table of metrics. */
export const TARGET_METRICS = {
  targetState: {
    ...gauge("signalbox_target_state", "targets", "main"),
    help: "1 for the state that a target is in, 0 for the others.",
    labels: ["target", "state"],
    maxSeries: 20_000,
  },
  targetReason: {
    ...gauge("signalbox_target_state_reason", "info", "main"),
    help: "Always 1; the label tells why the target is in its state.",
    labels: ["target", "reason"],
    maxSeries: 20_000,
  },
  targetSince: {
    ...gauge("signalbox_target_state_since_seconds", "seconds", "main"),
    help: "When the target entered its state, in seconds since 1970.",
    labels: ["target"],
    maxSeries: 20_000,
  },
  targetRefuses: {
    ...gauge("signalbox_target_refuses", "signals", "main"),
    help: "1 while a target does not take a signal, as its answers say: it gets none of it but probes.",
    labels: ["target", "signal"],
    maxSeries: 20_000,
  },
  targetRefusals: {
    ...counter("signalbox_target_refusals_total", "times", "main"),
    help: "Times a target was found not to take a signal.",
    labels: ["target", "signal"],
    maxSeries: 20_000,
  },
  targetNextTry: {
    ...gauge("signalbox_target_next_try_seconds", "seconds", "main"),
    help: "When a target that is out is tried next, in seconds since 1970; 0 when no try is planned.",
    labels: ["target"],
    maxSeries: 20_000,
  },
  targetPausedUntil: {
    ...gauge("signalbox_target_paused_until_seconds", "seconds", "main"),
    help: "Until when a target asked to be left alone, in seconds since 1970; 0 when it did not, or that is over.",
    labels: ["target"],
    maxSeries: 20_000,
  },
  targetShare: {
    ...gauge("signalbox_target_weight_share", "ratio", "main"),
    help: "How much of its weight a target gets: 0 while it is not ready, below 1 while it comes back.",
    labels: ["target"],
    maxSeries: 20_000,
  },
  targetPausedTenants: {
    ...gauge("signalbox_target_paused_tenants", "tenants", "main"),
    help: "Senders, by the headers that a target is passed, that it asked to leave it alone for a while; 1,000 at most are known.",
    labels: ["target"],
    maxSeries: 20_000,
  },
  targetTransitions: {
    ...counter("signalbox_target_transitions_total", "transitions", "main"),
    help: "Changes of state of a target, by what it was, what it became, and why.",
    labels: ["target", "from", "to", "reason"],
    maxSeries: 20_000,
  },
  targetChecks: {
    ...counter("signalbox_target_checks_total", "checks", "main"),
    help: "Active health checks of a target, by result: passed, failed, or timeout.",
    labels: ["target", "result"],
    maxSeries: 20_000,
  },

  // The addresses behind the names of targets.
  targetAddresses: {
    ...gauge("signalbox_target_addresses", "addresses", "main"),
    help: "Addresses behind the name of a target that are used, or nodes of the fleet, by their state; for targets whose names are resolved here, or that stand for nodes.",
    labels: ["target", "state"],
    maxSeries: 20_000,
  },
  targetResolutions: {
    ...counter("signalbox_target_resolutions_total", "lookups", "main"),
    help: "Lookups of the name of a target, by result: found, or failed, which changes nothing.",
    labels: ["target", "result"],
    maxSeries: 20_000,
  },
} as const satisfies Record<string, MetricSpec>;
