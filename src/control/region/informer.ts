import { type Clock, sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { type Moment, momentOf } from "../../store/session/moment.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { WatchEvent } from "../../store/store.ts";
import { keepWatching } from "./keep-watching.ts";
import { type CachedEntry, WatchCache, type WatchCacheOptions } from "./watch-cache.ts";

interface InformerOptions<T> extends Omit<WatchCacheOptions<T>, "startedAt"> {
  readonly place: RecipePlace;
  readonly prefix: string;
  /** Whether what was deleted is forgotten; else it is known what was there. */
  readonly forgets: boolean;
  /** Is called when something is new, or has gone. */
  readonly news: () => void;
}

/** A cache with the watch that fills it, until it is disposed; Kubernetes calls one so. */
export class Informer<T> implements AsyncDisposable {
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #cache: WatchCache<T>;
  readonly #closing = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#clock = options.place.clock;
    this.#cache = new WatchCache({ ...options, startedAt: this.now });
    const following = keepWatching({
      clock: this.#clock,
      signal: this.#closing.signal,
      watch: () => this.#follow(),
      refused: (reason) => void this.#cache.see({ kind: "lost", reason }),
    });
    this.#ended = Promise.all([following, this.#tick()]);
  }

  get now(): Moment {
    return momentOf(this.#clock);
  }

  get all(): readonly CachedEntry<T>[] {
    return this.#cache.all;
  }

  get isInStep(): boolean {
    return this.#cache.isInStep;
  }

  get ignored(): number {
    return this.#cache.ignored;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", `${this.#options.prefix} is followed no more`));
    await this.#ended;
  }

  async #follow(): Promise<void> {
    const { place, prefix, news } = this.#options;
    for await (const event of place.store.watch(prefix, { signal: this.#closing.signal })) {
      if (this.#see(event)) news();
    }
  }

  #see(event: WatchEvent): boolean {
    const gone = event.kind === "changes" || event.kind === "resync" ? event.deletes : [];
    if (this.#options.forgets) for (const key of gone) this.#cache.forget(key);
    return this.#cache.see(event).length > 0 || gone.length > 0;
  }

  async #tick(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#cache.tick(this.now);
      await sleep(this.#clock, TICK_MS, this.#closing.signal).catch(() => undefined);
    }
  }
}

const TICK_MS = 1_000;
