import { isoTime } from "../../core/iso-time.ts";
import type { CandidateNode, ConfigCandidate, ItemAttempts } from "../../store/recipes/config-candidate-record.ts";
import type { RolloutAnswer } from "./ask-rollout.ts";
import { gateOf, ROLLOUT_GATE, shareOf, verdictsInARow } from "./gate.ts";

/** A rollout as it is told to people: `GET /api/v1/config/rollout`. */
interface RolloutView {
  /** `none`: nothing was ever staged. */
  readonly state: ConfigCandidate["state"] | "none" | "paused";
  readonly version: number | null;
  readonly digest: string | null;
  /** What all others run, and what is gone back to. */
  readonly base: number | null;
  readonly stage: ConfigCandidate["stage"] | null;
  readonly passed: readonly string[];
  /** Who tries it; empty in the stage `all`, which has everybody. */
  readonly nodes: readonly CandidateNode[];
  readonly by: string | null;
  readonly note: string | null;
  readonly published_at: string | null;
  /** Of the stage. */
  readonly since: string | null;
  /** Of the leader that began the stage. */
  readonly epoch: string | null;
  readonly valid_for_ms: number | null;
  readonly again: boolean;
  /** Who asked last that it is paused, or that it goes on, and when; null: nobody has. */
  readonly paused_by: string | null;
  readonly paused_at: string | null;
  /** Of the stage: nodes that were restarted or have gone, and those that stopped in good order. */
  readonly lost: number;
  readonly left: number;
  /** Why it waits, or has ended. */
  readonly reason: string;
  /** What the newest windows of the stage say together. */
  readonly gate: ReturnType<typeof gateOf>;
  readonly limits: typeof ROLLOUT_GATE;
  readonly windows: readonly RolloutWindowView[];
  /** Documents that were tried in vain, oldest first. */
  readonly rolled_back: readonly object[];
}

/** Items of both groups in the same time. */
interface RolloutWindowView {
  readonly at: string;
  readonly stage: string;
  readonly verdict: string;
  readonly canary: GroupView;
  readonly control: GroupView;
  /** It began where the one before it ended. */
  readonly follows: boolean;
}

interface GroupView extends ItemAttempts {
  readonly failure_ratio: number;
}

/** Why nothing was asked of a staged config. */
export interface RolloutRefusal {
  readonly kind: "ended" | "none";
  readonly detail: string;
}

export function refusalOf(answer: Exclude<RolloutAnswer, { readonly kind: "done" }>): RolloutRefusal {
  if (answer.kind === "none") return { kind: "none", detail: "no config was ever staged in this fleet" };
  const { version, state } = answer.candidate;
  return { kind: "ended", detail: `version ${version} is tried no more: ${state}` };
}

export function rolloutView(candidate: ConfigCandidate | undefined): RolloutView {
  if (candidate === undefined) return NO_ROLLOUT;
  const { version, sha256, base, stage, passed, nodes, by, note, again, reason, windows } = candidate;
  return {
    state: candidate.state === "running" && candidate.paused ? "paused" : candidate.state,
    version,
    digest: sha256,
    base,
    stage,
    passed,
    nodes,
    by,
    note,
    published_at: isoTime(candidate.createdMs),
    since: isoTime(candidate.startedMs),
    epoch: candidate.epoch === "" ? null : candidate.epoch,
    valid_for_ms: candidate.validForMs,
    again,
    paused_by: candidate.pausedMs === null ? null : candidate.pausedBy,
    paused_at: candidate.pausedMs === null ? null : isoTime(candidate.pausedMs),
    lost: candidate.lost,
    left: candidate.left,
    reason,
    gate: gateOf(verdictsInARow(windows, stage)),
    limits: ROLLOUT_GATE,
    windows: windows.map(({ atMs, canary, control, ...window }) => ({
      at: isoTime(atMs),
      ...window,
      canary: groupOf(canary),
      control: groupOf(control),
    })),
    rolled_back: candidate.rolledBack.map(({ atMs, sha256: digest, ...one }) => ({
      ...one,
      digest,
      at: isoTime(atMs),
    })),
  };
}

function groupOf(group: ItemAttempts): GroupView {
  return { ...group, failure_ratio: Number(shareOf(group).toFixed(6)) };
}

const NO_ROLLOUT: RolloutView = {
  state: "none",
  version: null,
  digest: null,
  base: null,
  stage: null,
  passed: [],
  nodes: [],
  by: null,
  note: null,
  published_at: null,
  since: null,
  epoch: null,
  valid_for_ms: null,
  again: false,
  paused_by: null,
  paused_at: null,
  lost: 0,
  left: 0,
  reason: "",
  gate: "waits",
  limits: ROLLOUT_GATE,
  windows: [],
  rolled_back: [],
};
