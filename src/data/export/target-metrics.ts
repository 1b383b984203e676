import type { Metrics } from "../../telemetry/metrics.ts";
import type { TargetHandle } from "./target.ts";

const STATES = ["ready", "ejected", "probing"] as const;

/** From here on the target's gauges tell of this handle. */
export function showTarget(metrics: Metrics, id: string, target: TargetHandle): void {
  metrics.exportInFlight.with(id).read(() => target.inFlight);
  metrics.exportWindow.with(id).read(() => target.windowSize);
  for (const state of STATES) metrics.targetState.with(id, state).read(() => (target.health.state === state ? 1 : 0));
}

/** The target is gone from the config. */
export function hideTarget(metrics: Metrics, id: string): void {
  metrics.exportInFlight.remove(id);
  metrics.exportWindow.remove(id);
  for (const state of STATES) metrics.targetState.remove(id, state);
}
