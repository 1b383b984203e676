import type { HeaderPlan } from "../../plan/header-plan.ts";
import { onlyHeaders } from "../../plan/sender-headers.ts";
import type { Lanes } from "./lanes.ts";
import type { Parcel, ParcelOutcome } from "./parcel.ts";
import type { Records } from "./records.ts";

/** A pool that is gone from the config. */
export interface RemovedPool {
  readonly name: string;
  /** Counts what moved to another pool. */
  countFailover(to: string, when: "backlog", points: number): void;
}

/** Where the running rules want what a pool that is gone still held. */
export interface Rerouter {
  /** Divides it anew, and gives each part to the first of its pools that has room, or ends it. */
  reroute(parcel: Parcel, removed: RemovedPool): void;
}

/**
 * The parcel with those headers only that may go along into a pool; the one before has no end of
 * its own.
 */
export function dressedFor(records: Records, pool: string, parcel: Parcel, { plain, trusted }: HeaderPlan): Parcel {
  const { pieces, record } = parcel;
  const { headers: all, bytes, items, points } = record;
  if (trusted.has(pool) || all.bytes === 0) return parcel;
  const headers = onlyHeaders(all, plain);
  if (headers.key === all.key) return parcel;
  return records.divide(parcel, [{ pieces, bytes, items, points, headers }])[0]!;
}

/** The same as if it had come now: how long it may wait is said by the pool that it waits in. */
export function renewed(records: Records, parcel: Parcel, enqueuedMs: number): Parcel {
  const { pieces, record } = parcel;
  const { bytes, items, points } = record;
  return records.divide(parcel, [{ pieces, bytes, items, points, enqueuedMs }])[0]!;
}

/** What waited in a removed pool, and found no other. */
export function lostWith(removed: string): ParcelOutcome {
  const message = `pool ${removed} was removed from the config, and neither its fallback nor a rule takes what it still held`;
  return { kind: "failed", reason: "pool_removed", message };
}

/** Takes a parcel of a pool that is gone, or settles it. */
export type TakeLeft = (parcel: Parcel) => void;

/** What is taken over is read anew, so that much of it in one turn of the event loop. */
const BYTES_A_TURN = 4 * 1_024 * 1_024;

/**
 * Gives away whatever waits, oldest first by lane; a copy that others have as well is withdrawn.
 * False when there is more to do in another turn.
 */
export function emptyOut(lanes: Lanes, records: Records, take: TakeLeft): boolean {
  let bytes = 0;
  for (const lane of lanes.all) {
    for (let next = lane.peekOldest(); next !== undefined; next = lane.peekOldest()) {
      if (bytes >= BYTES_A_TURN) return false;
      lane.letGoOldest();
      bytes += next.record.bytes;
      if (!records.leaveOut(next)) take(next);
    }
  }
  return true;
}
