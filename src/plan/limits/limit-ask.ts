import type { FleetLimit } from "./bucket-shares.ts";
import type { LimitAsk, LimitGrant } from "./limit-lease.ts";
import type { LimitShares, LimitsUsage } from "./limit-shares.ts";

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

interface KeyGrant extends LimitGrant {
  readonly key: string;
}

/** A holder asks for no more keys than are shared out exactly. */
export const MOST_ASKED_KEYS = 200;

/** Who has parts of limits that are others', too: control/limits/limit-holders.ts. */
export interface LimitHolding {
  ask(usage: LimitsUsage, nowMs: number): LimitsAsk;
  /** `sentMs`: when the ask was sent that it answers. */
  answered(grant: LimitsGrant, sentMs: number): void;
  /** What it may let in of limits that are these now. */
  shares(total: FleetLimit, nowMs: number): LimitShares;
}
