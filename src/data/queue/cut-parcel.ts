import { joinOwned } from "../../core/bytes.ts";
import { type CutLimits, cutRequest } from "../../otlp/cut-request.ts";
import type { Parcel, Part } from "./parcel.ts";

/** How parcels are cut that are more than one call may take. */
export interface ParcelCutter {
  /**
   * The parts of a parcel within the limits. Undefined: it cannot be cut, because it is a single
   * item, or it need not be.
   */
  cut(parcel: Pick<Parcel, "record" | "pieces">, limits: CutLimits): readonly Part[] | undefined;
}

/** Between the items of a request; each part has bytes of its own. */
export const requestCutter: ParcelCutter = {
  cut({ record, pieces }, limits) {
    const whole = pieces.length === 1 ? pieces[0]! : joinOwned(pieces);
    const parts = cutRequest(record.signal, whole, limits);
    return parts?.map(({ bytes, items, points }) => ({ pieces: [bytes], bytes: bytes.length, items, points }));
  },
};
