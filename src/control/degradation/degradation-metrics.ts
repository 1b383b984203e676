import type { Metrics } from "../../telemetry/metrics.ts";
import type { NodeDegradation } from "./node-degradation.ts";
import { STRESS_SIGNALS } from "./node-level.ts";

/** Gauges that look at it when somebody asks. */
export function showDegradation(metrics: Metrics, degradation: Pick<NodeDegradation, "status">): void {
  metrics.degradationLevel.with().read(() => degradation.status.level);
  metrics.degradationFleet.with().read(() => (degradation.status.fleet?.degraded === true ? 1 : 0));
  for (const signal of STRESS_SIGNALS) {
    metrics.degradationStress.with(signal).read(() => degradation.status.stress?.[signal] ?? 0);
  }
}

export function countChange(metrics: Metrics, from: number, to: number): void {
  metrics.degradationChanges.with(to > from ? "up" : "down").add(1);
}
