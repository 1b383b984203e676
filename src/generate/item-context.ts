import type { Random } from "../core/random.ts";

/** What an item is made from. */
export interface ItemContext {
  readonly random: Random;
  readonly source: number;
  readonly number: number;
  /** Running number of the first item of its trace. */
  readonly traceNumber: number;
  /** The request's time in nanoseconds since 1970. */
  readonly baseNanos: bigint;
}
