/** What waits or is under way in one lane of a pool that divides by key. */
export interface LaneLoad {
  readonly lane: string;
  readonly bytes: number;
  /** Something waits although its target has all that it can take. */
  readonly saturated: boolean;
}

/** The load of a pool, by lanes; without any, no process has one that is saturated. */
export interface KeyLoad {
  readonly pool: string;
  readonly lanes: readonly LaneLoad[];
}

/** Of several processes together: a lane that is saturated somewhere is so for all. */
export function addLaneLoads(lists: Iterable<readonly LaneLoad[]>): LaneLoad[] {
  const sums = new Map<string, LaneLoad>();
  for (const lanes of lists) {
    for (const { lane, bytes, saturated } of lanes) {
      const sum = sums.get(lane);
      sums.set(lane, {
        lane,
        bytes: bytes + (sum?.bytes ?? 0),
        saturated: saturated || sum?.saturated === true,
      });
    }
  }
  return [...sums.values()];
}
