/**
 * Little's law, L = lambda * W: what is in a system is what comes a second times how long it stays.
 * Any unit of what flows, as long as it is the same in all arguments.
 */

/** How long each stays, in milliseconds; undefined where nothing flows. */
export function timeInSystemMs(inSystem: number, perSecond: number): number | undefined {
  return perSecond > 0 ? (Math.max(0, inSystem) / perSecond) * 1_000 : undefined;
}

/** How many are under way at the same time when so many come a second and each takes so long. */
export function neededConcurrency(perSecond: number, serviceMs: number): number {
  return (Math.max(0, perSecond) * Math.max(0, serviceMs)) / 1_000;
}

/** What a queue has, and what comes and goes. */
export interface QueueFlow {
  /** Room that is left. */
  readonly free: number;
  /** What waits. */
  readonly backlog: number;
  readonly arrivingPerSecond: number;
  readonly leavingPerSecond: number;
}

/** Until nothing more fits; undefined: it does not grow. */
export function timeToFullMs({ free, arrivingPerSecond, leavingPerSecond }: QueueFlow): number | undefined {
  return timeInSystemMs(free, arrivingPerSecond - leavingPerSecond);
}

/** Until nothing waits any more; undefined: it does not get less. */
export function timeToDrainMs({ backlog, arrivingPerSecond, leavingPerSecond }: QueueFlow): number | undefined {
  return backlog <= 0 ? 0 : timeInSystemMs(backlog, leavingPerSecond - arrivingPerSecond);
}

/** What is to be carried, and what one collector can. */
export interface CollectorNeed {
  /** What is to be carried, at most: the upper end of a forecast. */
  readonly perSecond: number;
  /** For how long one item, or request, takes one of a collector's places. */
  readonly serviceMs: number;
  /** Places of one collector: how many it works on at the same time. */
  readonly concurrency: number;
  /** How busy each may be; queues grow fast above. */
  readonly utilization?: number;
}

/** How busy collectors may be planned to be: waiting grows as rho / (1 - rho). */
const PLANNED_UTILIZATION = 0.7;

/** How many collectors carry it; undefined where one could carry nothing. */
export function collectorsNeeded(need: CollectorNeed): number | undefined {
  const { perSecond, serviceMs, concurrency, utilization = PLANNED_UTILIZATION } = need;
  const places = concurrency * utilization;
  if (!(places > 0)) return undefined;
  return Math.max(1, Math.ceil(neededConcurrency(perSecond, serviceMs) / places));
}
