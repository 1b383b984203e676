import type { Config } from "../config/schema/config.ts";
import type { ConfigWalk } from "../control/apply.ts";
import { DEGRADATION_HORIZON_MS } from "../control/degradation/degradation-decider.ts";
import { countChange, showDegradation } from "../control/degradation/degradation-metrics.ts";
import { NodeDegradation } from "../control/degradation/node-degradation.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { Env } from "../telemetry/env.ts";

interface NodeDegradationParts {
  readonly facts: { readonly id: string };
  readonly walk: Pick<ConfigWalk, "status">;
  readonly dataPlane: Pick<DataPlane, "degrade">;
  readonly env: Env;
}

/** What a node gives up, from its first sample of the load on. */
export function openNodeDegradation({ facts, walk, dataPlane, env }: NodeDegradationParts): NodeDegradation {
  const { clock, log, metrics } = env;
  const degradation = new NodeDegradation({
    clock,
    log,
    id: facts.id,
    settings: () => degradationIn(walk.status.running),
    apply: (givenUp) => dataPlane.degrade(givenUp),
    changed: (from, to) => countChange(metrics, from, to),
  });
  showDegradation(metrics, degradation);
  return degradation;
}

export function degradationIn({ global }: Pick<Config, "global">): Config["global"]["degradation"] {
  return global.degradation;
}

/** After a sample of the load. */
export function stepDegradation(degradation: NodeDegradation, monitor: LoadMonitor): void {
  const { newest, signals } = monitor;
  if (newest === undefined || signals === undefined) return;
  const { utilization: load, items_per_second: receivedPerSecond, sampling_rate } = newest;
  const keptPerSecond = receivedPerSecond * sampling_rate;
  degradation.sampled(signals, { load, receivedPerSecond, keptPerSecond, forecast: forecastUtilization(monitor) });
}

/** In a minute, if the load grows as the items do; undefined: too little is known of them. */
export function forecastUtilization(
  monitor: Partial<Pick<LoadMonitor, "forecast">> & Pick<LoadMonitor, "newest">,
): number | undefined {
  const { newest } = monitor;
  const { value, low } = monitor.forecast?.(DEGRADATION_HORIZON_MS) ?? {};
  if (newest === undefined || value === undefined || low === undefined) return undefined;
  if (!(newest.items_per_second > 0)) return undefined;
  return (newest.utilization * value) / newest.items_per_second;
}
