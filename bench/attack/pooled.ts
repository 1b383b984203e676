import { LatencyHistogram } from "../latency.ts";
import type { LatencySummary } from "../../src/cli/send/latency.ts";
import type { LoadCounts } from "../messages.ts";

/** What a client saw in several windows, as if they had been one. */
export interface Pooled {
  readonly seconds: number;
  readonly ackedRequests: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly latency: LatencySummary;
}

export function pooled(windows: readonly LoadCounts[]): Pooled {
  const latencies = new LatencyHistogram();
  for (const window of windows) latencies.merge(window.latencies);
  return {
    seconds: sum(windows.map(({ durationMs }) => durationMs)) / 1_000,
    ackedRequests: sum(windows.map(({ ackedRequests }) => ackedRequests)),
    refused: sumByName(windows.map(({ refused }) => refused)),
    failed: sumByName(windows.map(({ failed }) => failed)),
    latency: latencies.summary(),
  };
}

export function sum(list: readonly number[]): number {
  return list.reduce((all, each) => all + each, 0);
}

export function sumByName(list: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of list) {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}
