import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Reason } from "../../core/reason.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { QueueRecord } from "./record.ts";

/** How a parcel ended. `target`: the one that was asked last, unless all went well. */
export type ParcelOutcome =
  /**
   * A target took it; `rejected` of its counted things were refused by the target through
   * `partial_success`.
   */
  | { readonly kind: "delivered"; readonly rejected: number; readonly message: string; readonly target?: string }
  /** A target refused it for good; sending it again would not help. */
  | { readonly kind: "rejected"; readonly message: string; readonly badData: boolean; readonly target?: string }
  /** Not delivered, and nobody said that it never can be: the sender may send it again. */
  | {
      readonly kind: "failed";
      readonly reason: Reason;
      readonly message: string;
      readonly retryAfterMs?: number;
      readonly target?: string;
    };

/**
 * Where bytes of a parcel are: views, or ranges of its owner's bytes, [from, to, from, to ..]. So
 * those that wait, which may be thousands, keep a few numbers each: a view takes 104 bytes.
 */
export type Pieces = readonly Uint8Array[] | Ranges;
type Ranges = readonly number[];

/** Borrowed: views, which are made anew of ranges. */
export function viewsOf({ pieces, owner }: Pick<Parcel, "pieces" | "owner">): readonly Uint8Array[] {
  if (!areRanges(pieces)) return pieces;
  const views: Uint8Array[] = [];
  for (let i = 0; i < pieces.length; i += 2) {
    const view = owner.view?.(pieces[i]!, pieces[i + 1]!);
    if (view === undefined) throw new TypeError("there are ranges of an owner that has no bytes");
    views.push(view);
  }
  return views;
}

function areRanges(pieces: Pieces): pieces is Ranges {
  return typeof pieces[0] === "number";
}

/**
 * A record with its bytes, which, one after the other, are one valid Export request. Owned by the
 * queue from `offer` until its end (records.ts).
 */
export interface Parcel {
  readonly record: QueueRecord;
  /** They never change until the end, or until they are copied out. */
  readonly pieces: Pieces;
  /**
   * Keeps them where they are: retained once for each parcel, by whoever makes it, and released
   * where it ends.
   */
  readonly owner: BytesOwner;
}

/** A part of a parcel that is to be one by itself. */
export interface Part extends Pick<QueueRecord, "bytes" | "items" | "points"> {
  readonly pieces: Pieces;
  /** Those of the whole, unless it says otherwise. */
  readonly headers?: SenderHeaders;
  readonly enqueuedMs?: number;
}

/** Somebody waits for its outcome: it was not acknowledged yet. */
export function isAwaited({ record }: Parcel): boolean {
  return record.ack === "delivered";
}
