import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { Store, StoreObserver } from "../store.ts";

/** Where recipes have their keys, and what they are given of the world. */
export interface RecipePlace extends TimeAndChance {
  readonly store: Store;
  /** All keys are below it: `/signalbox`. */
  readonly prefix: string;
  /** Told of what is held; absent: nobody is. */
  readonly observer?: Pick<StoreObserver, "held" | "heldNoMore"> | undefined;
}
