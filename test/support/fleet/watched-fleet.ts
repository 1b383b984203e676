import { systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { readCandidates } from "../../../src/control/region/candidates.ts";
import { compareMarks, decodeStoredDirective, directivesPrefix } from "../../../src/control/region/stored-directive.ts";
import { decodeSummary, regionKey, type RegionSummary } from "../../../src/control/region/region-summary.ts";
import type { StoredDirective } from "../../../src/control/region/stored-directive.ts";
import type { RecipePlace } from "../../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import type { Store, StoreSettings } from "../../../src/store/store.ts";
import { ControllerProcess, type ControllerTask } from "./controller-process.ts";
import { PATIENCE_MS } from "../patience.ts";

const LOOK_MS = 50;
const never = new AbortController().signal;

/** Controllers in processes of their own, over a real store that is watched meanwhile. */
export class WatchedFleet implements AsyncDisposable {
  readonly place: RecipePlace;
  /** Directives in the order in which the store had them. */
  readonly written: StoredDirective[] = [];
  readonly #settings: StoreSettings;
  readonly #task: Pick<ControllerTask, "leaseMs" | "reportIntervalMs" | "adoptAfterMs">;
  readonly #all: ControllerProcess[] = [];
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;

  private constructor(store: Store, settings: StoreSettings, task: WatchedFleet["task"], prefix: string) {
    this.#settings = settings;
    this.#task = task;
    this.place = { store, prefix, clock: systemClock, random: systemRandom };
    this.#watching = this.#watch();
  }

  /** Other fleets of the same store have other prefixes. */
  static async open(settings: StoreSettings, task: WatchedFleet["task"], prefix: string): Promise<WatchedFleet> {
    const store = await openStore(settings, { clock: systemClock, random: systemRandom, observer: UNOBSERVED });
    return new WatchedFleet(store, settings, task, prefix);
  }

  get task(): Pick<ControllerTask, "leaseMs" | "reportIntervalMs" | "adoptAfterMs"> {
    return this.#task;
  }

  start(id: string, region: string): ControllerProcess {
    const { prefix } = this.place;
    const process = new ControllerProcess({ ...this.#task, settings: this.#settings, prefix, id, region });
    this.#all.push(process);
    return process;
  }

  async leader(election: string): Promise<string | undefined> {
    return (await readCandidates(this.place, election, { signal: never })).leader?.id;
  }

  async standing(election: string): Promise<readonly string[]> {
    return (await readCandidates(this.place, election, { signal: never })).standing;
  }

  async summary(region: string): Promise<RegionSummary | undefined> {
    const entry = await this.place.store.get(regionKey(this.place.prefix, region), { signal: never });
    const read = entry && decodeSummary(entry);
    return read?.ok === true ? read.value : undefined;
  }

  /** Milliseconds until it is so. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<number> {
    const fromMs = systemClock.nowMs();
    while (!(await isSo())) {
      if (systemClock.nowMs() - fromMs > PATIENCE_MS) throw new Error(`it is not so: ${what}`);
      await new Promise((resolve) => systemClock.after(LOOK_MS, () => resolve(undefined)));
    }
    return Math.round(systemClock.nowMs() - fromMs);
  }

  /** What came after something later, if anything did. */
  get fallen(): readonly StoredDirective[] {
    const newest = new Map<string, StoredDirective>();
    return this.written.filter((directive) => {
      const last = newest.get(directive.scope);
      if (last !== undefined && compareMarks(directive, last) < 0) return true;
      newest.set(directive.scope, directive);
      return false;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((one) => one[Symbol.asyncDispose]()));
    this.#closing.abort(new Error("the test is over"));
    await this.#watching;
    await this.place.store[Symbol.asyncDispose]();
  }

  async #watch(): Promise<void> {
    const { store, prefix } = this.place;
    for await (const event of store.watch(directivesPrefix(prefix), { signal: this.#closing.signal })) {
      if (event.kind !== "snapshot" && event.kind !== "changes" && event.kind !== "resync") continue;
      for (const { value } of event.kind === "snapshot" ? event.entries : event.puts) {
        const read = decodeStoredDirective(value);
        if (read.ok) this.written.push(read.value);
      }
    }
  }
}
