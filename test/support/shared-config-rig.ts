import { seededRandom } from "../../src/core/random.ts";
import {
  createSharedConfig,
  type SharedConfig,
  type SharedConfigOptions,
} from "../../src/store/recipes/shared-config.ts";
import { FakeStore } from "./fake-store.ts";
import { ManualClock } from "./manual-clock.ts";

/** A shared config on a store that tests can spoil. */
export interface SharedConfigRig {
  readonly store: FakeStore;
  readonly clock: ManualClock;
  readonly config: SharedConfig;
}

export function openRig(options: SharedConfigOptions = {}, store = new FakeStore()): SharedConfigRig {
  const clock = new ManualClock();
  return { store, clock, config: createSharedConfig({ store, prefix: "/t", clock, random: seededRandom(1) }, options) };
}
