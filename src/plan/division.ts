import type { Condition } from "../config/condition-type.ts";
import type { Signal } from "../otlp/signal.ts";
import type { Cond } from "./route-plan.ts";

/** What of an item decides which target is its own. */
export type HashKey =
  | { readonly from: "trace_id" }
  | { readonly from: "service_name" }
  /** Of the item; of a metric: of its first data point that has it. */
  | { readonly from: "attribute"; readonly key: string }
  | { readonly from: "resource"; readonly key: string };

/**
 * How the items of a pool are divided among its channels, which are numbered from 0. A channel is
 * what waits together: each has a lane in the pool's queue.
 */
export type Division =
  /** One channel, or, for broadcast, copies: nothing of an item is looked at. */
  | { readonly kind: "none" }
  /**
   * Channel i for the first condition i that holds, the channel after the last one for the rest.
   */
  | {
      readonly kind: "cases";
      readonly conditions: Readonly<Record<Signal, readonly Cond[]>>;
      readonly identity: string;
    }
  /** Channel i for items of region i, the channel after the last one for all other regions. */
  | { readonly kind: "regions"; readonly regions: readonly string[] }
  /** Channel i for target i of the pool, where the pool knows whose a key is. */
  | { readonly kind: "key"; readonly key: HashKey };

/** The same before conditions are compiled. */
export type DivisionData =
  | Exclude<Division, { readonly kind: "cases" }>
  | { readonly kind: "cases"; readonly cases: readonly (readonly Condition[])[] };

export const UNDIVIDED = { kind: "none" } as const satisfies Division;
