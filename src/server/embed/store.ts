import { type Clock, systemClock } from "../../core/clock.ts";
import { type Random, systemRandom } from "../../core/random.ts";
import { openStore as openStoreOf } from "../../store/open-store.ts";
import { checkedPrefix } from "../../store/recipes/keys.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { UNOBSERVED } from "../../store/store-metrics.ts";
import type { StoreObserver, StoreSettings } from "../../store/store.ts";

/** A store and a prefix in it: what locks, elections, registries and configs are made with. */
export interface OpenedStore extends RecipePlace, AsyncDisposable {}

/** Where keys are, and who is told. */
export interface OpenStoreOptions {
  /** All keys are below it; default: `/signalbox`. */
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told what the store does, for metrics of your own. */
  readonly observer?: StoreObserver;
}

/**
 * Opens a store; whether a server answers is seen by the first call. Throws `STORE_REFUSED` for
 * settings that cannot be used. Disposing it ends its sessions, and with them what they hold.
 */
export async function openStore(settings: StoreSettings, options: OpenStoreOptions = {}): Promise<OpenedStore> {
  const { clock = systemClock, random = systemRandom, observer = UNOBSERVED } = options;
  const prefix = checkedPrefix(options.prefix ?? "/signalbox");
  const store = await openStoreOf(settings, { clock, random, observer });
  return { store, prefix, clock, random, observer, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}
