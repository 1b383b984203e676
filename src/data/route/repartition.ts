import { isHeldExactly, joinOwned } from "../../core/bytes.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Division } from "../../plan/division.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Parcel } from "../queue/parcel.ts";
import type { Partition, Repartitioner } from "../queue/repartitioner.ts";
import { createPartitioner, type Partitioner } from "./partition.ts";

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
      const { record, pieces } = parcel;
      const bytes = pieces.length === 1 ? pieces[0]! : joinOwned(pieces);
      const partitions = partitionerOf(division)(record.signal, bytes, record, ownerOf);
      // Nobody can say where items belong that cannot be read: a target is to judge them.
      return partitions === undefined || partitions.length === 0
        ? [whole(parcel, lastChannel(division, ownerOf))]
        : partitions.map(own);
    },
  };
}

/** What lies beside a partition must not stay for as long as this one waits. */
function own(partition: Partition): Partition {
  return isHeldExactly(partition.pieces, partition.bytes)
    ? partition
    : { ...partition, pieces: [joinOwned(partition.pieces, partition.bytes)] };
}

function whole({ record, pieces }: Parcel, channel: number): Partition {
  const { bytes, items, points } = record;
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
