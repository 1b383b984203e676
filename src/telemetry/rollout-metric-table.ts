import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** A config that some nodes of a fleet try: whoever leads the fleet counts, in its main process. */
export const ROLLOUT_METRICS = {
  rolloutStage: {
    ...gauge("signalbox_rollout_stage", "boolean", "main"),
    help: "1: a staged config is in this stage, as the leader of the fleet has it; all other nodes say 0.",
    labels: ["stage"],
  },
  rolloutPaused: {
    ...gauge("signalbox_rollout_paused", "boolean", "main"),
    help: "1: the staged config that is tried stays in its stage until somebody resumes it.",
    labels: [],
  },
  rolloutWaiting: {
    ...gauge("signalbox_rollout_waiting", "boolean", "main"),
    help: "1: the staged config that is tried waits for something; GET /api/v1/config/rollout says for what.",
    labels: [],
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
} as const satisfies Record<string, MetricSpec>;
