import type { PoolPlan } from "../../plan/plan.ts";
import type { Parcel } from "./parcel.ts";

/** A part of a parcel that goes to one channel. */
export interface Partition {
  readonly channel: number;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
}

/**
 * How parcels are divided after they were routed, when they come to a pool, or to lanes, that they
 * were not divided for.
 */
export interface Repartitioner {
  /**
   * By the pool's channels; together the partitions hold what the parcel holds. Changes nothing. At
   * least one.
   */
  partition(parcel: Parcel, plan: PoolPlan, ownerOf: (hash: number) => number): readonly Partition[];
}
