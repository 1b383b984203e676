/** What a load is made of, as far as it depends on how much is kept. */
export interface WorkReading {
  /** 0 to 1, as it is now. */
  readonly load: number;
  /** Items a second that come, and that are kept now. */
  readonly receivedPerSecond: number;
  readonly keptPerSecond: number;
  /** Items a second that would be kept if nothing were given up. */
  readonly wouldKeepPerSecond: number;
}

/**
 * What it costs to keep an item, beside what it costs to receive one, when nothing has been learnt:
 * of a node that routes and sends all it receives, so large a part of the work is sending.
 */
export const KEEPING_COST = 3;

/**
 * The load if nothing were given up: what comes costs as much as now, and what is kept as much more
 * as there is more of it. `keepingCost`: of keeping an item, in costs of receiving one.
 */
export function projectedLoad(
  { load, receivedPerSecond, keptPerSecond, wouldKeepPerSecond }: WorkReading,
  keepingCost = KEEPING_COST,
): number {
  const now = receivedPerSecond + keepingCost * keptPerSecond;
  if (!(now > 0)) return load;
  const would = receivedPerSecond + keepingCost * Math.max(keptPerSecond, wouldKeepPerSecond);
  return (load * would) / now;
}

/** Two states of the same fleet, which tell what keeping costs. */
interface CostEvidence {
  readonly before: Pick<WorkReading, "load" | "receivedPerSecond" | "keptPerSecond">;
  readonly after: Pick<WorkReading, "load" | "receivedPerSecond" | "keptPerSecond">;
}

/** It is not believed to be less, or more, than this. */
const LEAST_COST = 0.1;
const MOST_COST = 30;

/**
 * What keeping costs, from what the load did when much was given up: both states have the same cost
 * of receiving. Undefined: they are too near each other to tell.
 */
export function learntCost({ before, after }: CostEvidence): number | undefined {
  const ratio = after.load / before.load;
  const over = ratio * before.keptPerSecond - after.keptPerSecond;
  const under = after.receivedPerSecond - ratio * before.receivedPerSecond;
  if (!Number.isFinite(ratio) || Math.abs(over) < 0.05 * before.keptPerSecond) return undefined;
  const cost = under / over;
  return cost > 0 ? Math.min(MOST_COST, Math.max(LEAST_COST, cost)) : undefined;
}
