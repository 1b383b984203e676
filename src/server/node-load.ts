import type { Config } from "../config/schema/config.ts";
import type { ConfigWalk } from "../control/apply.ts";
import { countSample, showLoad } from "../control/load/load-metrics.ts";
import { createLoadMonitor, type LoadMonitor } from "../control/load/load-monitor.ts";
import { dataPlaneReader } from "../control/load/load-reading.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { remembered } from "../core/remembered.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { Env } from "../telemetry/env.ts";

export interface NodeLoadOptions {
  /** Its own settings; a change of them takes a restart. */
  readonly node: Config["node"];
  /** What runs, whose pools have limits. */
  readonly walk: Pick<ConfigWalk, "status">;
  readonly dataPlane: DataPlane;
  readonly env: Env;
  /** Processes of the data plane; 0: this one is it. */
  readonly workers: number;
  /** Told of each sample that is there. Must not throw. */
  readonly sampled?: ((monitor: LoadMonitor) => void) | undefined;
  /** Told of all that was counted, as often as the load is measured. Must not throw. */
  readonly seen?: ((snapshot: Snapshot) => void) | undefined;
}

/** The load of a node, from here on until it is disposed of. */
export function openNodeLoad({ node, walk, dataPlane, env, workers, sampled, seen }: NodeLoadOptions): LoadMonitor {
  const { clock, metrics } = env;
  const monitor: LoadMonitor = createLoadMonitor({
    clock,
    read: dataPlaneReader({ dataPlane, metrics, seen, queueLimits: () => queueLimits(walk.status.running) }),
    intervalMs: node.load.interval,
    historySize: node.load.history_size,
    capacity: node.load.capacity,
    usableCores: Math.max(1, workers),
    sampled() {
      countSample(metrics, monitor);
      sampled?.(monitor);
    },
    failed: () => metrics.loadSamples.with("failed").add(1),
  });
  showLoad(metrics, monitor);
  return monitor;
}

const queueLimits = remembered(
  ({ pools }: Config): ReadonlyMap<string, number> =>
    new Map(Object.entries(pools).map(([name, { queue }]) => [name, queue.max_bytes])),
);
