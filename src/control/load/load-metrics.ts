import { formatDuration } from "../../core/units.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { LoadMonitor } from "./load-monitor.ts";
import { type LoadReport, NO_LOAD } from "./load-report.ts";

/** Gauges that look at the monitor when somebody asks; counters are `countSample`'s. */
export function showLoad(metrics: Metrics, monitor: LoadMonitor): void {
  const newest = (name: keyof LoadReport): number => (monitor.newest ?? NO_LOAD)[name];
  metrics.loadItems.with().read(() => newest("items_per_second"));
  metrics.loadBytes.with().read(() => newest("bytes_per_second"));
  metrics.loadQueueItems.with().read(() => newest("queue_items"));
  metrics.loadCpu.with().read(() => newest("cpu"));
  metrics.loadMemory.with().read(() => newest("memory"));
  metrics.loadLoopDelay.with().read(() => newest("event_loop_ms") / 1_000);
  metrics.loadUtilization.with().read(() => newest("utilization"));
  metrics.loadLatency.with().read(() => newest("latency_ms") / 1_000);
  metrics.loadCapacity.with().read(() => monitor.capacity.items_per_second);
}

/** After a sample: what is known of forecasts by now. */
export function countSample(metrics: Metrics, monitor: LoadMonitor): void {
  metrics.loadSamples.with("taken").add(1);
  for (const { horizonMs, coverage, skill } of monitor.quality()) {
    const horizon = formatDuration(horizonMs);
    if (coverage !== undefined) metrics.loadForecastCoverage.with(horizon).read(() => coverage);
    if (skill !== undefined) metrics.loadForecastSkill.with(horizon).read(() => skill);
  }
}
