import type { LoadReading } from "./load-reading.ts";
import type { LoadReport, LoadSignals } from "./load-report.ts";
import { timeInSystemMs } from "./little.ts";

/** What is known beside the two readings that a sample is made of. */
export interface SampleFacts {
  /** Between the two. */
  readonly seconds: number;
  /** Processors that the cgroup or the machine lets the node use. */
  readonly cores: number;
  /** Of them, as many as its processes can use: a thread never has more than one. */
  readonly usableCores: number;
  readonly memoryShare: number;
  readonly ownEventLoopMs: number;
  /** Items a second that left lately, for Little's law where nothing was answered meanwhile. */
  readonly leavingPerSecond: number;
}

/** The load between two readings. A counter that fell counts as one that stood still. */
export function loadBetween(before: LoadReading, now: LoadReading, facts: SampleFacts): LoadReport {
  const grown = (name: keyof LoadReading): number => Math.max(0, (now[name] ?? 0) - (before[name] ?? 0));
  const { seconds, cores, memoryShare } = facts;
  const items = grown("items");
  return {
    items_per_second: items / seconds,
    bytes_per_second: grown("bytes") / seconds,
    queue_items: now.queueItems ?? 0,
    cpu: share(grown("cpuSeconds") / seconds / cores),
    memory: share(memoryShare),
    event_loop_ms: Math.max(facts.ownEventLoopMs, now.eventLoopMs ?? 0),
    utilization: share(Math.max(busyShare(before, now, facts), memoryShare, now.queueShare ?? 0)),
    latency_ms: latencyMs(now, { requests: grown("requests"), seconds: grown("requestSeconds") }, facts),
    error_rate: ratio(grown("failedItems"), grown("failedItems") + grown("deliveredItems")),
    sampling_rate: 1 - ratio(grown("sampledItems"), items),
  };
}

export function signalsBetween(before: LoadReading, now: LoadReading, facts: SampleFacts): LoadSignals {
  const sends = (now.sends ?? 0) - (before.sends ?? 0);
  return {
    cpu: busyShare(before, now, facts),
    memory: share(facts.memoryShare),
    queue: share(now.queueShare ?? 0),
    eventLoopMs: Math.max(facts.ownEventLoopMs, now.eventLoopMs ?? 0),
    exportErrors: ratio((now.failedSends ?? 0) - (before.failedSends ?? 0), sends),
  };
}

/** Of the processors that the node's processes can use: at 1 it does no more. */
export function busyShare(
  before: LoadReading,
  now: LoadReading,
  { seconds, cores, usableCores }: Pick<SampleFacts, "cores" | "seconds" | "usableCores">,
): number {
  const usedSeconds = Math.max(0, (now.cpuSeconds ?? 0) - (before.cpuSeconds ?? 0));
  return share(usedSeconds / seconds / Math.min(cores, Math.max(1, usableCores)));
}

/** Measured; where nothing was answered, by Little's law; 0 where nothing moves. */
function latencyMs(
  { itemsInside = 0 }: LoadReading,
  answered: { readonly requests: number; readonly seconds: number },
  { leavingPerSecond }: SampleFacts,
): number {
  if (answered.requests > 0) return (answered.seconds / answered.requests) * 1_000;
  return itemsInside > 0 ? (timeInSystemMs(itemsInside, leavingPerSecond) ?? 0) : 0;
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? share(part / whole) : 0;
}

function share(value: number): number {
  return Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0));
}
