import { type ConfigCandidate, ROLLOUT_STAGES } from "../../store/recipes/config-candidate-record.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { shareOf } from "./gate.ts";
import type { RolloutObserver } from "./rollout-task.ts";
import { newWindow, tellRollout } from "./tell-rollout.ts";

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
