import { isHeldExactly, joinOwned } from "../../core/bytes.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Division } from "../../plan/division.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Parcel } from "../parcel.ts";
import { CopyParcel } from "../queue/copy-parcel.ts";
import type { Partition, Repartitioner } from "../queue/repartitioner.ts";
import { createPartitioner, type Partitioner, type RequestOrigin } from "./partition.ts";
import { RoutedParcel } from "../routed-parcel.ts";

/**
 * How routed parcels are divided for lanes that they were not routed to: by the stage route itself.
 */
export function createRepartitioner(metrics: Metrics): Repartitioner {
  const known = new WeakMap<Division, Partitioner>();
  const partitionerOf = (division: Division): Partitioner => {
    const partition = known.get(division) ?? createPartitioner(division, metrics);
    known.set(division, partition);
    return partition;
  };
  return {
    partition(parcel, { division }, ownerOf) {
      if (division.kind === "none") return [whole(parcel, 0)];
      const bytes = parcel.pieces.length === 1 ? parcel.pieces[0]! : joinOwned(parcel.pieces);
      const partitions = partitionerOf(division)(parcel.signal, bytes, originOf(parcel), ownerOf);
      // Nobody can say where items belong that cannot be read: a target is to judge them.
      return partitions === undefined || partitions.length === 0
        ? [whole(parcel, lastChannel(division, ownerOf))]
        : partitions.map(own);
    },
    divide(parcel, partitions) {
      if (!(parcel instanceof RoutedParcel)) throw new TypeError("only what was routed can be divided");
      return parcel.divide(partitions);
    },
  };
}

/** What lies beside a partition must not stay for as long as this one waits. */
function own(partition: Partition): Partition {
  return isHeldExactly(partition.pieces, partition.bytes)
    ? partition
    : { ...partition, pieces: [joinOwned(partition.pieces, partition.bytes)] };
}

function whole({ pieces, bytes, items, points }: Parcel, channel: number): Partition {
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

function originOf(parcel: Parcel): RequestOrigin {
  let origin = parcel;
  while (origin instanceof CopyParcel) origin = origin.origin;
  return { region: origin instanceof RoutedParcel ? origin.region : "", headers: parcel.headers };
}
