import { isHeldExactly, joinOwned } from "../core/bytes.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { Division } from "../plan/division.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Parcel } from "./parcel.ts";
import { CopyParcel } from "./queue/copy-parcel.ts";
import type { Cut, Parting } from "./queue/parting.ts";
import { createCut, type CutRequest, type Origin } from "./route/cut.ts";
import { RoutedParcel } from "./routed-parcel.ts";

/** How routed parcels are divided for lanes that they were not routed to: by the stage route itself. */
export function createParting(metrics: Metrics): Parting {
  const known = new WeakMap<Division, CutRequest>();
  const cutterOf = (division: Division): CutRequest => {
    const cut = known.get(division) ?? createCut(division, metrics);
    known.set(division, cut);
    return cut;
  };
  return {
    cut(parcel, { division }, ownerOf) {
      if (division.kind === "none") return [whole(parcel, 0)];
      const bytes = parcel.pieces.length === 1 ? parcel.pieces[0]! : joinOwned(parcel.pieces);
      const cuts = cutterOf(division)(parcel.signal, bytes, originOf(parcel), ownerOf);
      // Nobody can say where items belong that cannot be read: a target is to judge them.
      return cuts === undefined || cuts.length === 0 ? [whole(parcel, lastChannel(division, ownerOf))] : cuts.map(own);
    },
    part(parcel, cuts) {
      if (!(parcel instanceof RoutedParcel)) throw new TypeError("only what was routed can be divided");
      return parcel.divide(cuts);
    },
  };
}

/** What lies beside a cut must not stay for as long as this one waits. */
function own(cut: Cut): Cut {
  return isHeldExactly(cut.pieces, cut.bytes) ? cut : { ...cut, pieces: [joinOwned(cut.pieces, cut.bytes)] };
}

function whole({ pieces, bytes, items, points }: Parcel, channel: number): Cut {
  return { channel, pieces, bytes, items, points };
}

/** Where what has none of the properties goes that the division asks for. */
function lastChannel(division: Division, ownerOf: (hash: number) => number): number {
  switch (division.kind) {
    case "none":
      return 0;
    case "cases":
      return division.conditions.traces.length;
    case "regions":
      return division.regions.length;
    case "key":
      return ownerOf(0);
    default:
      throw new Unreachable(division);
  }
}

function originOf(parcel: Parcel): Origin {
  let origin = parcel;
  while (origin instanceof CopyParcel) origin = origin.origin;
  return { region: origin instanceof RoutedParcel ? origin.region : "", headers: parcel.headers };
}
