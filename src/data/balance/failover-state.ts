/** Where a failover stands, by the ids of targets; empty: none. */
export interface FailoverState {
  readonly current: string;
  /** Who has the rest while the current one comes back. */
  readonly standIn: string;
  /** Since the current one became so. */
  readonly elapsedMs: number;
}

/** That of one lane of a pool, which counts its changes in all processes of a node together. */
export interface LaneFailover {
  readonly pool: string;
  readonly lane: string;
  readonly version: number;
  readonly state: FailoverState;
}

export type LaneFailoverState = Omit<LaneFailover, "version">;

export function isSameFailover(a: FailoverState, b: FailoverState): boolean {
  return a.current === b.current && a.standIn === b.standIn;
}
