/** Whether a collector tells its controller at once that more, or less, is offered to it. */
export interface OfferedRate {
  /** What was told last; undefined: nothing yet. */
  readonly toldPerSecond: number | undefined;
  /** Clock.nowMs() of when it was. */
  readonly toldMs: number;
}

export interface OfferedRatePolicy {
  /** How far it may leave what was told, as a share of it. */
  readonly band: number;
  /** And less than so many items a second more or less are no news. */
  readonly leastPerSecond: number;
  /** Not more often than this. */
  readonly everyMs: number;
}

export const OFFERED_RATE_POLICY: OfferedRatePolicy = { band: 0.25, leastPerSecond: 10, everyMs: 1_000 };

export const NOTHING_TOLD: OfferedRate = { toldPerSecond: undefined, toldMs: Number.NEGATIVE_INFINITY };

/** It has left what was told by more than 25 %, and the last Report is a second ago. */
export function isNewsOfRate(
  { toldPerSecond, toldMs }: OfferedRate,
  perSecond: number,
  nowMs: number,
  policy: OfferedRatePolicy = OFFERED_RATE_POLICY,
): boolean {
  if (nowMs - toldMs < policy.everyMs) return false;
  if (toldPerSecond === undefined) return true;
  const away = Math.abs(perSecond - toldPerSecond);
  return away > toldPerSecond * policy.band && away >= policy.leastPerSecond;
}

/** After each Report, whatever it was sent for: the rate that it told. */
export function rateTold(perSecond: number, nowMs: number): OfferedRate {
  return { toldPerSecond: perSecond, toldMs: nowMs };
}
