import { joinOwned } from "../../core/bytes.ts";
import { type SplitLimits, splitRequest } from "../../otlp/split-request.ts";
import type { BatchOrigin } from "./batch-origin.ts";
import type { Delivery } from "./delivery.ts";
import { type Parcel, type Part, viewsOf } from "./parcel.ts";
import type { StorePartition } from "./queue-store.ts";
import { isUnread } from "./record.ts";

/** How parcels are split that are more than one call may take. */
export interface ParcelSplitter {
  /**
   * The parts of a parcel within the limits. Undefined: it cannot be split, because it is a single
   * item, or it need not be.
   */
  split(parcel: Parcel, limits: SplitLimits): readonly Part[] | undefined;
}

/** Between the items of a request; each part has bytes of its own. */
export const requestSplitter: ParcelSplitter = {
  split(parcel, limits) {
    const { record } = parcel;
    if (isUnread(record)) return undefined;
    const pieces = viewsOf(parcel);
    const whole = pieces.length === 1 ? pieces[0]! : joinOwned(pieces);
    const parts = splitRequest(record.signal, whole, limits);
    return parts?.map(({ bytes, items, points }) => ({ pieces: [bytes], bytes: bytes.length, items, points }));
  },
};

/**
 * Cuts what stands first in the queue when it is more than one call may take, so that a large
 * request keeps the limits too. Nothing was refused, so this costs no budget. What cannot be split
 * stays as it is.
 */
export function splitAhead(origin: Pick<BatchOrigin, "split">, queue: StorePartition, limits: SplitLimits): void {
  const head = queue.peek();
  if (head === undefined || head.indivisible || fits(head, limits)) return;
  const parts = origin.split(head, { bytes: Math.min(limits.bytes, head.maxBytes), items: limits.items });
  if (parts === undefined) {
    head.meet({ indivisible: true });
    return;
  }
  queue.shift();
  queue.putBack(parts);
}

function fits({ record, maxBytes }: Delivery, { bytes, items }: SplitLimits): boolean {
  return record.bytes <= bytes && record.bytes <= maxBytes && record.items <= items;
}
