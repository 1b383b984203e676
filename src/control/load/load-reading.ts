import type { LedgerRow, SeriesSnapshot, Snapshot } from "../../core/snapshot.ts";
import type { DataPlane } from "../../plan/data-plane.ts";
import { METRICS } from "../../telemetry/metric-table.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

/**
 * What has been counted since some start, and what is there now: the load is the difference of two.
 * What is not told counts as 0.
 */
export interface LoadReading {
  /** Received. */
  readonly items: number;
  /** Received, as sent. */
  readonly bytes?: number;
  /** Delivered; and those that nobody has; and those that sampling left out. */
  readonly deliveredItems?: number;
  readonly failedItems?: number;
  readonly sampledItems?: number;
  /** Those that no rule took: a config may want it so, and the node does well. */
  readonly unroutedItems?: number;
  /** Batches that were sent to targets, and those that a target failed with. */
  readonly sends?: number;
  readonly failedSends?: number;
  /** Requests that were answered, and how long all of them took. */
  readonly requests?: number;
  readonly requestSeconds?: number;
  /** Requests that were answered with an error, or with nothing. */
  readonly refusedRequests?: number;
  /** Now: those that wait in queues, and all that are in the node. */
  readonly queueItems?: number;
  readonly itemsInside?: number;
  /** How full the fullest queue is. */
  readonly queueShare?: number;
  /** Processor time of all that belongs to the node. */
  readonly cpuSeconds?: number;
  /** How late others than this process's main loop are: workers. */
  readonly eventLoopMs?: number;
  /** Series that were gone through for it. */
  readonly series?: number;
}

interface DataPlaneReaderOptions {
  readonly dataPlane: Pick<DataPlane, "summary">;
  /** Those that this process counts in, of which the data plane tells a part. */
  readonly metrics: Metrics;
  /** `max_bytes` of each pool. */
  readonly queueLimits: () => ReadonlyMap<string, number>;
  /** Told of all that was counted, as it is read. Must not throw. */
  readonly seen?: ((snapshot: Snapshot) => void) | undefined;
  /** Of this process; default: measured. */
  readonly ownCpuSeconds?: () => number;
}

/** Reads what a node has counted. */
export function dataPlaneReader(options: DataPlaneReaderOptions): () => Promise<LoadReading> {
  const { dataPlane, metrics, queueLimits, seen, ownCpuSeconds = processCpuSeconds } = options;
  return async () => {
    // Those of this process are as of when /metrics was last asked for: they are taken out again.
    const [toldCpu, toldDelay] = [metrics.processCpu.with().value, metrics.eventLoopDelay.with().value];
    const snapshot = await dataPlane.summary();
    seen?.(snapshot);
    const { cpuSeconds = 0, eventLoopMs = 0, ...read } = readingOf(snapshot, queueLimits());
    return {
      ...read,
      cpuSeconds: cpuSeconds - toldCpu + ownCpuSeconds(),
      eventLoopMs: eventLoopMs > toldDelay * 1_000 ? eventLoopMs : 0,
    };
  };
}

function processCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function readingOf({ metrics, ledger }: Snapshot, queueLimits: ReadonlyMap<string, number>): LoadReading {
  const series = (name: keyof Metrics): readonly SeriesSnapshot[] => metrics[METRICS[name].name] ?? [];
  const duration = series("requestDuration");
  return {
    ...itemsOf(ledger),
    ...sendsOf(series("exportSends")),
    bytes: sumOf(series("receivedBytes")),
    requests: duration.reduce((sum, { counts = [] }) => sum + counts.reduce((all, one) => all + one, 0), 0),
    requestSeconds: sumOf(duration),
    refusedRequests: sumOf(series("errors")),
    queueItems: sumOf(series("queueItems")),
    queueShare: fullestShare(series("queueBytes"), queueLimits),
    cpuSeconds: sumOf(series("processCpu")),
    eventLoopMs: Math.max(0, ...series("eventLoopDelay").map(({ value }) => value)) * 1_000,
    series: ledger.length + Object.values(metrics).reduce((sum, all) => sum + all.length, 0),
  };
}

/** Say nothing against a target: it took them, refused what is bad, or was not waited for. */
const NO_FAILURES: ReadonlySet<string | undefined> = new Set([
  "accepted",
  "too_large",
  "rejected",
  "stale",
  "cancelled",
  "cut_short",
]);

function sendsOf(series: readonly SeriesSnapshot[]): Pick<LoadReading, "failedSends" | "sends"> {
  const failed = series.filter(({ labels: [, outcome] }) => !NO_FAILURES.has(outcome));
  return { sends: sumOf(series), failedSends: sumOf(failed) };
}

function itemsOf(ledger: readonly LedgerRow[]) {
  const sums = { items: 0, deliveredItems: 0, failedItems: 0, sampledItems: 0, unroutedItems: 0, itemsInside: 0 };
  for (const row of ledger) {
    sums.items += row.received;
    sums.deliveredItems += row.delivered;
    sums.failedItems += row.rejected + row.dead_lettered + shedItems(row) + sumValues(row.lost);
    sums.sampledItems += row.dropped["sampled"] ?? 0;
    sums.unroutedItems += row.dropped["unrouted"] ?? 0;
    sums.itemsInside += row.queued;
  }
  return sums;
}

/** What a degraded node did not copy is there all the same: rules that copy receive nothing. */
function shedItems({ received, shed }: LedgerRow): number {
  return sumValues(shed) - (received === 0 ? (shed["degraded"] ?? 0) : 0);
}

function sumOf(series: readonly SeriesSnapshot[]): number {
  return series.reduce((sum, { value }) => sum + value, 0);
}

function sumValues(counts: Readonly<Record<string, number>>): number {
  let sum = 0;
  for (const name in counts) sum += counts[name]!;
  return sum;
}

/** Pools that are gone from the config, and still hold something, have no limit any more. */
function fullestShare(series: readonly SeriesSnapshot[], limits: ReadonlyMap<string, number>): number {
  let fullest = 0;
  for (const { labels, value } of series) {
    const limit = limits.get(labels[0] ?? "");
    if (limit !== undefined && limit > 0) fullest = Math.max(fullest, value / limit);
  }
  return fullest;
}
