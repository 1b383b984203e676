import type { Store, StoreSettings } from "../../../src/store/store.ts";
import { ControllerProcess, type ControllerTask } from "./controller-process.ts";
import { openWatched, WatchedStore } from "./watched-store.ts";

/** Controllers in processes of their own, over a real store that is watched meanwhile. */
export class WatchedFleet extends WatchedStore {
  readonly task: Pick<ControllerTask, "leaseMs" | "reportIntervalMs" | "adoptAfterMs">;
  readonly #settings: StoreSettings;
  readonly #all: ControllerProcess[] = [];

  private constructor(store: Store, settings: StoreSettings, task: WatchedFleet["task"], prefix: string) {
    super(store, prefix);
    this.#settings = settings;
    this.task = task;
  }

  /** Other fleets of the same store have other prefixes. */
  static async open(settings: StoreSettings, task: WatchedFleet["task"], prefix: string): Promise<WatchedFleet> {
    return new WatchedFleet(await openWatched(settings), settings, task, prefix);
  }

  start(id: string, region: string): ControllerProcess {
    const { prefix } = this.place;
    const process = new ControllerProcess({ ...this.task, settings: this.#settings, prefix, id, region });
    this.#all.push(process);
    return process;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((one) => one[Symbol.asyncDispose]()));
    await super[Symbol.asyncDispose]();
  }
}
