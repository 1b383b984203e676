import { systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { readCandidates } from "../../../src/control/region/candidates.ts";
import { compareMarks, decodeStoredDirective, directivesPrefix } from "../../../src/control/region/stored-directive.ts";
import {
  decodeSummary,
  regionKey,
  regionsPrefix,
  type RegionSummary,
} from "../../../src/control/region/region-summary.ts";
import type { StoredDirective } from "../../../src/control/region/stored-directive.ts";
import type { RecipePlace } from "../../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import type { Entry, Store, StoreSettings } from "../../../src/store/store.ts";
import { PATIENCE_MS } from "../patience.ts";

const LOOK_MS = 250;
const never = new AbortController().signal;

/** What a leader has written in its role. */
export interface LeadersWrite {
  readonly key: string;
  readonly epoch: string;
  readonly seq: number;
  readonly by: string;
}

/** A real store in which a fleet has its controllers, and what their leaders write there. */
export class WatchedStore implements AsyncDisposable {
  readonly place: RecipePlace;
  /** Directives in the order in which the store had them. */
  readonly written: StoredDirective[] = [];
  /** All that leaders wrote: directives, and summaries of regions. */
  readonly writes: LeadersWrite[] = [];
  readonly #closing = new AbortController();
  readonly #watching: Promise<unknown>;

  protected constructor(store: Store, prefix: string) {
    this.place = { store, prefix, clock: systemClock, random: systemRandom };
    this.#watching = Promise.all([
      this.#watch(directivesPrefix(prefix), (entry) => this.#directive(entry)),
      this.#watch(regionsPrefix(prefix), (entry) => this.#summary(entry)),
    ]);
  }

  /** Other fleets of the same store have other prefixes. */
  static async watch(settings: StoreSettings, prefix: string): Promise<WatchedStore> {
    return new WatchedStore(await openWatched(settings), prefix);
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

  /** What came after something later of the same key, if anything did. */
  get fallen(): readonly LeadersWrite[] {
    const newest = new Map<string, LeadersWrite>();
    return this.writes.filter((write) => {
      const last = newest.get(write.key);
      if (last !== undefined && compareMarks(write, last) < 0) return true;
      newest.set(write.key, write);
      return false;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the test is over"));
    await this.#watching;
    await this.place.store[Symbol.asyncDispose]();
  }

  async #watch(prefix: string, saw: (entry: Entry) => void): Promise<void> {
    for await (const event of this.place.store.watch(prefix, { signal: this.#closing.signal })) {
      if (event.kind !== "snapshot" && event.kind !== "changes" && event.kind !== "resync") continue;
      for (const entry of event.kind === "snapshot" ? event.entries : event.puts) saw(entry);
    }
  }

  #directive({ key, value }: Entry): void {
    const read = decodeStoredDirective(value);
    if (!read.ok) return;
    const { epoch, seq, by } = read.value;
    this.written.push(read.value);
    this.writes.push({ key, epoch, seq, by });
  }

  #summary(entry: Entry): void {
    const read = decodeSummary(entry);
    if (!read.ok) return;
    const { epoch, seq, controller } = read.value;
    this.writes.push({ key: entry.key, epoch, seq, by: controller });
  }
}

export function openWatched(settings: StoreSettings): Promise<Store> {
  return openStore(settings, { clock: systemClock, random: systemRandom, observer: UNOBSERVED });
}
