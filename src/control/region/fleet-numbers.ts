import {
  type FleetNumbers,
  FleetNumbersSchema,
  MAX_NAMES,
  MAX_WORST,
  OTHER,
  type WorstCollector,
} from "./region-summary.ts";

/** Of nobody: what others are added to. */
export function noNumbers(): FleetNumbers {
  return FleetNumbersSchema.parse({});
}

const SUMS = [
  "collectors",
  "capacity_items_per_second",
  "items_per_second",
  "bytes_per_second",
  "queue_items",
  "failed_items_per_second",
  "sampled_items_per_second",
  "latency_weight",
  "load_capacity",
  "load_weight",
  "forecast_weight",
] as const satisfies readonly (keyof FleetNumbers)[];

const MAXIMA = [
  "max_cpu",
  "max_memory",
  "max_event_loop_ms",
  "max_utilization",
  "max_latency_ms",
] as const satisfies readonly (keyof FleetNumbers)[];

export const COUNTS = [
  "states",
  "health",
  "versions",
  "config_versions",
  "config_results",
] as const satisfies readonly (keyof FleetNumbers)[];

const HISTOGRAMS = ["utilization", "latency"] as const satisfies readonly (keyof FleetNumbers)[];

/** All that are one number. */
export const PLAIN_NUMBERS = [...SUMS, ...MAXIMA] as const;

/** Of both together, in either order: those of regions are a fleet's. */
export function mergeNumbers(a: FleetNumbers, b: FleetNumbers): FleetNumbers {
  const merged = noNumbers();
  for (const name of SUMS) merged[name] = a[name] + b[name];
  for (const name of MAXIMA) merged[name] = Math.max(a[name], b[name]);
  for (const name of COUNTS) merged[name] = fewNames(addCounts(a[name], b[name]));
  for (const name of HISTOGRAMS) merged[name] = a[name].map((count, at) => count + (b[name][at] ?? 0));
  merged.schema_max = lowest(a.schema_max, b.schema_max);
  merged.worst = worstOf([...a.worst, ...b.worst]);
  return merged;
}

/** 0 says nothing. */
export function lowest(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/** Which of a histogram's places a value is in. */
export function placeIn(bounds: readonly number[], value: number): number {
  let place = 0;
  while (place < bounds.length && value > bounds[place]!) place++;
  return place;
}

/** The most frequent by name, and all others as one. */
export function fewNames(counts: ReadonlyMap<string, number>): Record<string, number> {
  const sorted = [...counts].toSorted(([a, m], [b, n]) => rank(a) - rank(b) || n - m || (a < b ? -1 : 1));
  const kept = new Map(sorted.slice(0, MAX_NAMES));
  for (const [, count] of sorted.slice(MAX_NAMES)) kept.set(OTHER, (kept.get(OTHER) ?? 0) + count);
  return Object.fromEntries(kept);
}

/** Unhealthy before busy; of equals the one whose id comes first. */
export function worstOf(all: readonly WorstCollector[]): WorstCollector[] {
  return all.toSorted(worseFirst).slice(0, MAX_WORST);
}

export function worseFirst(a: WorstCollector, b: WorstCollector): number {
  return badness(b) - badness(a) || b.utilization - a.utilization || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function badness({ state, error_rate: errorRate }: WorstCollector): number {
  return (state === "unhealthy" ? 4 : state === "suspect" ? 2 : 0) + Math.min(1, errorRate);
}

/** What is counted together stays so. */
function rank(name: string): number {
  return name === OTHER ? 1 : 0;
}

function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Map<string, number> {
  const sum = new Map(Object.entries(a));
  for (const [name, count] of Object.entries(b)) sum.set(name, (sum.get(name) ?? 0) + count);
  return sum;
}
