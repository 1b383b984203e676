import type { Signal } from "../../otlp/signal.ts";

/** Where a failover stands, by the ids of targets; empty: none. */
export interface FailoverState {
  readonly current: string;
  /** Who has the rest while the current one comes back. */
  readonly standIn: string;
  /** Since the current one became so. */
  readonly elapsedMs: number;
}

/** There is none. */
export const NO_FAILOVER: FailoverState = { current: "", standIn: "", elapsedMs: 0 };

/** A signal that a target refuses has one of its own as long; without a signal: all others. */
export interface SignalFailover {
  readonly signal?: Signal;
  readonly state: FailoverState;
}

/** That of one lane of a pool, which counts its changes in all processes of a node together. */
export interface LaneFailover extends SignalFailover {
  readonly pool: string;
  readonly lane: string;
  readonly version: number;
}

export type LaneFailoverState = Omit<LaneFailover, "version">;

export function isSameFailover(a: FailoverState, b: FailoverState): boolean {
  return a.current === b.current && a.standIn === b.standIn;
}
