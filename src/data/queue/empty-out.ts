import type { Lanes } from "./lanes.ts";
import type { Parcel } from "./parcel.ts";
import type { Records } from "./records.ts";

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
