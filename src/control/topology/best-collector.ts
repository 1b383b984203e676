import type { Random } from "../../core/random.ts";
import type { LoadReport } from "../load/load-report.ts";

/** What is looked at of a collector. */
export interface CollectorCandidate {
  readonly id: string;
  readonly region: string;
  readonly isHealthy: boolean;
  /** Items a second that it can carry; 0: not known. */
  readonly capacity: number;
  readonly load: Pick<LoadReport, "items_per_second" | "utilization" | "latency_ms">;
}

/** What counts how much; only the proportions mean something. */
export interface SelectionCriteria {
  readonly load: number;
  readonly latency: number;
  readonly capacity: number;
}

/** Everything counts the same. */
export const DEFAULT_CRITERIA: SelectionCriteria = { load: 1, latency: 1, capacity: 1 };

/** Who was chosen, and why. */
export interface BestCollector<C> {
  readonly collector: C;
  /** 0 to 1. */
  readonly score: number;
  /** 0 to 1 each, before they are weighed. */
  readonly parts: SelectionCriteria;
}

/** Chance, and what counts how much. */
export interface BestOptions {
  readonly random: Random;
  /** Those of this region alone. */
  readonly region?: string | undefined;
  readonly criteria?: SelectionCriteria;
}

/**
 * One of those that are healthy and have something left: of two that are drawn by the capacity that
 * they have left, either, as often as its score says. What is known of their load is seconds old:
 * if the one that looks best got everything, all would go there at once, and then to the next. So
 * each gets at most twice its share of what is left, whatever the others seem to do.
 */
export function bestCollector<C extends CollectorCandidate>(
  candidates: readonly C[],
  { random, region, criteria = DEFAULT_CRITERIA }: BestOptions,
): BestCollector<C> | undefined {
  const usable = candidates.filter((one) => (region === undefined || one.region === region) && isUsable(one));
  if (usable.length === 0) return undefined;
  const draw = drawByCapacity(usable, random);
  // As an argument of Math.min each, so many would not fit on the stack.
  const fastestMs = usable.reduce(
    (least, { load: { latency_ms: ms } }) => (ms > 0 ? Math.min(least, ms) : least),
    Infinity,
  );
  const [a, b] = [scoreOf(draw(), fastestMs, criteria), scoreOf(draw(), fastestMs, criteria)];
  const sum = a.score + b.score;
  const share = sum > 0 ? a.score / sum : 0.5;
  return random.next() < share ? a : b;
}

/** What is left of it, as a share. */
export function availableShare({ load }: Pick<CollectorCandidate, "load">): number {
  return Math.min(1, Math.max(0, 1 - load.utilization));
}

function isUsable(candidate: CollectorCandidate): boolean {
  return candidate.isHealthy && availableShare(candidate) > 0;
}

/** Whose capacity is not known counts as the mean of the others. */
function drawByCapacity<C extends CollectorCandidate>(usable: readonly C[], random: Random): () => C {
  const known = usable.map(({ capacity }) => capacity).filter((capacity) => capacity > 0);
  const mean = known.length === 0 ? 1 : known.reduce((sum, one) => sum + one, 0) / known.length;
  const ends: number[] = [];
  let end = 0;
  for (const one of usable) {
    end += (one.capacity > 0 ? one.capacity : mean) * availableShare(one);
    ends.push(end);
  }
  return () => {
    const at = random.next() * end;
    const found = ends.findIndex((one) => at < one);
    return usable[found < 0 ? usable.length - 1 : found]!;
  };
}

function scoreOf<C extends CollectorCandidate>(
  collector: C,
  fastestMs: number,
  criteria: SelectionCriteria,
): BestCollector<C> {
  const parts = partsOf(collector, fastestMs);
  const weights = criteria.load + criteria.latency + criteria.capacity;
  const weighed = parts.load * criteria.load + parts.latency * criteria.latency + parts.capacity * criteria.capacity;
  return { collector, score: weights > 0 ? weighed / weights : 0, parts };
}

/** The fastest has 1 for its latency, as has one that is not known; twice as slow is a half. */
function partsOf(candidate: CollectorCandidate, fastestMs: number): SelectionCriteria {
  const { capacity, load } = candidate;
  const available = availableShare(candidate);
  const latencyMs = load.latency_ms;
  return {
    load: available,
    latency: latencyMs > 0 ? Math.min(1, fastestMs / latencyMs) : 1,
    capacity: capacity > 0 ? Math.min(1, Math.max(0, 1 - load.items_per_second / capacity)) : available,
  };
}
