import {
  isNewsOfRate,
  NOTHING_TOLD,
  OFFERED_RATE_POLICY,
  type OfferedRate,
  type OfferedRatePolicy,
  rateTold,
} from "../load/offered-rate.ts";

/**
 * When it is told how much comes, beside each 5 s: by a node to its controller, by a region to the
 * leader, and by a node that is alone to itself.
 */
export interface ToldLoad {
  readonly offered: OfferedRate;
  /** When much more, or less, was told last. */
  readonly newsMs: number;
}

export const NO_LOAD_TOLD: ToldLoad = { offered: NOTHING_TOLD, newsMs: Number.NEGATIVE_INFINITY };

/** What was told at once is told again then, when more is known of it. */
const AGAIN_MS = 3_000;
/** For so long after news a region tells also of little: what it told is made up by and by. */
const SETTLING_MS = 10_000;
const SETTLING: OfferedRatePolicy = { ...OFFERED_RATE_POLICY, band: 0.02 };

/** Whether a node is to report now. `perSecond`: what came of late. */
export function isNewsOfNode({ offered, newsMs }: ToldLoad, perSecond: number, nowMs: number): boolean {
  const isAgain = offered.toldMs === newsMs && nowMs - newsMs >= AGAIN_MS;
  return isAgain || isNewsOfRate(offered, perSecond, nowMs);
}

/** Whether a region is to write now what comes to it. */
export function isNewsOfRegion({ offered, newsMs }: ToldLoad, perSecond: number, nowMs: number): boolean {
  return isNewsOfRate(offered, perSecond, nowMs, nowMs - newsMs < SETTLING_MS ? SETTLING : OFFERED_RATE_POLICY);
}

/** After each Report, each summary. `perSecond`: of late; `toldPerSecond`: what was told. */
export function loadTold(
  before: ToldLoad,
  { perSecond, toldPerSecond }: { readonly perSecond: number; readonly toldPerSecond: number },
  nowMs: number,
): ToldLoad {
  const isNews = isNewsOfRate(before.offered, perSecond, nowMs);
  return { offered: rateTold(toldPerSecond, nowMs), newsMs: isNews ? nowMs : before.newsMs };
}
