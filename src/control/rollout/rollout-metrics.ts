import {
  type ConfigCandidate,
  ROLLOUT_STAGES,
  type CandidateWindow,
} from "../../store/recipes/config-candidate-record.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { shareOf } from "./gate.ts";
import type { RolloutObserver } from "./rollout-task.ts";
import { percent } from "./rollout-text.ts";

/** Counts what becomes of candidates, and tells people. */
export function rolloutObserver(metrics: Metrics, log: Log): RolloutObserver {
  let now: ConfigCandidate | undefined;
  const running = (): ConfigCandidate | undefined => (now?.state === "running" ? now : undefined);
  for (const stage of ROLLOUT_STAGES) {
    metrics.rolloutStage.with(stage).read(() => (running()?.stage === stage ? 1 : 0));
  }
  metrics.rolloutPaused.with().read(() => (running()?.paused === true ? 1 : 0));
  metrics.rolloutWaiting.with().read(() => ((running()?.reason ?? "") === "" ? 0 : 1));
  for (const how of ["lost", "left"] as const) metrics.rolloutNodesGone.with(how).read(() => running()?.[how] ?? 0);
  for (const group of ["canary", "control"] as const) {
    metrics.rolloutFailureRatio.with(group).read(() => {
      const window = running()?.windows.at(-1);
      return window === undefined ? 0 : shareOf(window[group]);
    });
  }
  return {
    changed(before, next) {
      now = next;
      const isSame = before?.version === next.version;
      const window = isSame ? newWindow(before, next) : undefined;
      if (window !== undefined) metrics.rolloutWindows.with(window.verdict).add(1);
      if (isSame && before.state === "running" && next.state !== "running") metrics.rollouts.with(next.state).add(1);
      tellRollout(log, before, next);
    },
    left() {
      now = undefined;
    },
  };
}

/** Tells people, by the log and its events, what has changed. */
function tellRollout(log: Log, before: ConfigCandidate | undefined, now: ConfigCandidate): void {
  const about = { kind: "rollout" as const, version: now.version };
  const isSame = before?.version === now.version;
  // How it ended is told once: not by each leader after that.
  if (now.state !== "running") {
    if (isSame && before.state === "running") tellEnd(log, now);
    return;
  }
  const begun = isSame ? before : undefined;
  if (now.epoch !== "" && (begun?.stage !== now.stage || begun.epoch !== now.epoch)) {
    const nodes =
      now.stage === "all"
        ? "all"
        : now.nodes
            .map(({ id }) => id)
            .slice(0, NAMED)
            .join(", ");
    const count = now.stage === "all" ? {} : { count: now.nodes.length };
    log.info("a stage of a config begins", { ...about, stage: now.stage, nodes, ...count, by: now.by });
  }
  if (begun !== undefined && begun.paused !== now.paused) {
    log.info(now.paused ? "a staged config is paused" : "a staged config goes on", { ...about, by: now.pausedBy });
  }
  const window = newWindow(begun, now);
  if (window !== undefined) tellWindow(log, now, window);
  else if (now.reason !== "" && begun?.reason !== now.reason) {
    log.info("a staged config waits", { ...about, stage: now.stage, reason: now.reason });
  }
}

const NAMED = 10;

function tellEnd(log: Log, { state, version, stage, reason, base }: ConfigCandidate): void {
  const told = { kind: "rollout" as const, version, stage, reason };
  if (state === "done") log.info("a staged config is what all run now", { kind: "rollout", version });
  else if (state === "rolled_back") {
    const hint = "mend it, and publish it again; the same document needs --again";
    log.error("a staged config is rolled back", { ...told, runs: base, hint });
  } else log.warn("a staged config has ended", { ...told, state });
}

function tellWindow(
  log: Log,
  { version, reason }: ConfigCandidate,
  { stage, canary, control, verdict }: CandidateWindow,
): void {
  const told = {
    kind: "rollout" as const,
    version,
    stage,
    verdict,
    canary: percent(shareOf(canary)),
    control: percent(shareOf(control)),
    items: canary.attempted,
  };
  if (verdict === "over") log.warn("more items fail where a staged config runs than elsewhere", told);
  else if (verdict === "doubtful") log.warn("a window of a staged config is in doubt", { ...told, reason });
  else log.info("a window of a staged config is over", told);
}

/** The newest, if it was not there before. */
function newWindow(before: ConfigCandidate | undefined, now: ConfigCandidate): CandidateWindow | undefined {
  const newest = now.windows.at(-1);
  const known = before?.windows.at(-1);
  return newest === undefined || (known?.atMs === newest.atMs && known.stage === newest.stage) ? undefined : newest;
}
