export interface RateStepPolicy {
  /** How much higher a rate may be after one step. */
  readonly up: number;
  /** In so much time. */
  readonly stepMs: number;
  /** What is wanted and within this part of what is there is left as it is. */
  readonly deadBand: number;
}

/** Wider bands and slower steps keep a fleet over its target for longer (facts 4.5). */
export const RATE_STEP_POLICY: RateStepPolicy = { up: 1.5, stepMs: 5_000, deadBand: 0.01 };

/**
 * From the rate that is in force to the next one: down without delay, up by little, since what is
 * kept too much cannot be taken back.
 */
export function stepRate(
  before: number | undefined,
  wanted: number,
  sinceMs: number,
  { up, stepMs, deadBand }: RateStepPolicy = RATE_STEP_POLICY,
): number {
  if (before === undefined) return wanted;
  if (Math.abs(wanted - before) <= deadBand * before) return before;
  return Math.min(wanted, before * up ** Math.min(1, Math.max(0, sinceMs) / stepMs));
}
