import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { Store, StoreObserver } from "../store.ts";

/** Where recipes have their keys, and what they are given of the world. */
export interface RecipePlace {
  readonly store: Store;
  /** All keys are below it: `/signalbox`. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of what is held; absent: nobody is. */
  readonly observer?: Pick<StoreObserver, "held" | "heldNoMore"> | undefined;
}
