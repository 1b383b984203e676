import { COUNTS } from "./fleet-numbers.ts";
import type { FleetNumbers } from "./region-summary.ts";

/** What is compared of what was written last. */
export interface WrittenSummary {
  readonly numbers: FleetNumbers;
  readonly viewDigest: string;
  readonly atMs: number;
}

export interface SummaryPace {
  /** However much changes. */
  readonly leastMs: number;
  /** Also when nothing changes: whoever reads it sees that it is alive. */
  readonly mostMs: number;
}

export const SUMMARY_PACE: SummaryPace = { leastMs: 5_000, mostMs: 30_000 };

/** What changed by less is told with the next one. */
const CHANGE = 0.05;
/** Of what there is nearly nothing of, even twice as much is no news. */
const LEAST_ITEMS = 10;
const LEAST_SHARE = 0.02;
const LEAST_MS = 5;

/** Whether a region's summary is to be written now. */
export function shouldWrite(
  numbers: FleetNumbers,
  viewDigest: string,
  last: WrittenSummary | undefined,
  { nowMs, leastMs, mostMs }: SummaryPace & { readonly nowMs: number },
): boolean {
  if (last === undefined) return true;
  const sinceMs = nowMs - last.atMs;
  if (sinceMs < leastMs) return false;
  return sinceMs >= mostMs || viewDigest !== last.viewDigest || hasChanged(numbers, last.numbers);
}

function hasChanged(now: FleetNumbers, last: FleetNumbers): boolean {
  return (
    now.collectors !== last.collectors ||
    COUNTS.some((name) => !isSameCount(now[name], last[name])) ||
    now.schema_max !== last.schema_max ||
    LEASTS.some(([name, least]) => isFar(now[name], last[name], least))
  );
}

const LEASTS = [
  ["capacity_items_per_second", LEAST_ITEMS],
  ["items_per_second", LEAST_ITEMS],
  ["bytes_per_second", LEAST_ITEMS * 100],
  ["queue_items", LEAST_ITEMS],
  ["load_weight", LEAST_ITEMS],
  ["failed_items_per_second", LEAST_ITEMS],
  ["sampled_items_per_second", LEAST_ITEMS],
  ["max_utilization", LEAST_SHARE],
  ["max_cpu", LEAST_SHARE],
  ["max_memory", LEAST_SHARE],
  ["max_event_loop_ms", LEAST_MS],
  ["max_latency_ms", LEAST_MS],
] as const satisfies readonly (readonly [keyof FleetNumbers, number])[];

function isFar(now: number, last: number, least: number): boolean {
  return Math.abs(now - last) > Math.max(CHANGE * last, least);
}

function isSameCount(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
