import { joinOwned } from "../../core/bytes.ts";
import { type CutLimits, cutRequest } from "../../otlp/cut-request.ts";
import type { Parcel } from "../parcel.ts";

/**
 * Cuts a parcel into several within the limits, each settled on its own; the whole is then never
 * settled. Undefined: it cannot be cut, because it is a single item, or it need not be.
 */
export type SplitParcel = (parcel: Parcel, limits: CutLimits) => readonly Parcel[] | undefined;

/** What a parcel is made of. */
export type ParcelBytes = Pick<Parcel, "pieces" | "bytes" | "items" | "points">;

/** The parts of a parcel's bytes, of which each owns its own. Undefined when it cannot be cut. */
export function cutPieces(
  { signal, pieces }: Pick<Parcel, "signal" | "pieces">,
  limits: CutLimits,
): ParcelBytes[] | undefined {
  const whole = pieces.length === 1 ? pieces[0]! : joinOwned(pieces);
  const parts = cutRequest(signal, whole, limits);
  return parts?.map(({ bytes, items, points }) => ({ pieces: [bytes], bytes: bytes.length, items, points }));
}
