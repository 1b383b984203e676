import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";

/** All that a holder asks for: everything together, and the keys nearest to their limits. */
export interface LimitsAsk {
  readonly total: LimitAsk;
  readonly keys: readonly KeyAsk[];
}

export interface KeyAsk extends LimitAsk {
  readonly key: string;
}

/** The answer to it. Keys that are not in it were granted nothing. */
export interface LimitsGrant {
  readonly total: LimitGrant;
  readonly keys: readonly KeyGrant[];
}

export interface KeyGrant extends LimitGrant {
  readonly key: string;
}

/** A holder asks for no more keys than are shared out exactly. */
export const MOST_ASKED_KEYS = 200;
