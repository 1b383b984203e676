import { type Moment, untilMs } from "../../store/session/moment.ts";
import type { Entry, WatchEvent } from "../../store/store.ts";

/** Something that was read of the store. */
export interface CachedEntry<T> {
  readonly value: T;
  /** It is no older than that; undefined: nobody knows how old it is. */
  readonly since: Moment | undefined;
}

export interface WatchCacheOptions<T> {
  /** Undefined: it is nothing of the kind. */
  readonly read: (entry: Entry) => T | undefined;
  /** Positive: the second comes after the first; 0: it is the same; negative: it is ignored. */
  readonly step: (known: T, next: T) => number;
  /** More keys are ignored, where none is given up for them. */
  readonly most: number;
  /** Which one that is, if any; without it none is. */
  readonly givesUp?: ((all: ReadonlyMap<string, CachedEntry<T>>) => string | undefined) | undefined;
  /** When the watch began, whose events it is given. */
  readonly startedAt: Moment;
}

/**
 * What a watch has told, by key, and how old that is at most. Nothing is believed to be new until
 * it has been seen to advance: what was there when the watch began may be of last year. What came
 * while nothing was told is as old as that pause.
 */
export class WatchCache<T> {
  readonly #options: WatchCacheOptions<T>;
  readonly #seen = new Map<string, CachedEntry<T>>();
  /** All that had been written by then has been told: this process ran then, and the watch did. */
  #knownAt: Moment | undefined;
  /** Since then it has done so without a pause. */
  #lookedAt: Moment | undefined;
  #isInStep = false;
  #ignored = 0;

  constructor(options: WatchCacheOptions<T>) {
    this.#options = options;
  }

  /** Whether the store can be reached. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** How often something was ignored. */
  get ignored(): number {
    return this.#ignored;
  }

  get all(): readonly CachedEntry<T>[] {
    return [...this.#seen.values()];
  }

  /** To be called once a second or so, by whoever hands the events on. */
  tick(now: Moment): void {
    if (!this.#isInStep) return;
    // Events that came while the process stood still are read after its timers: one tick later all
    // that there was has been read.
    this.#knownAt = this.#lookedAt ?? this.#knownAt;
    this.#lookedAt = now;
  }

  /** What is new by it. */
  see(event: WatchEvent): T[] {
    switch (event.kind) {
      case "lost":
        this.#isInStep = false;
        this.#lookedAt = undefined;
        return [];
      case "synced":
        this.#isInStep = true;
        this.#knownAt ??= this.#options.startedAt;
        return [];
      case "snapshot":
        return this.#take(event.entries);
      case "changes":
      case "resync":
        return this.#take(event.puts);
      default:
        return event satisfies never;
    }
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }

  #take(entries: readonly Entry[]): T[] {
    return entries.flatMap((entry) => this.#takeOne(entry) ?? []);
  }

  #takeOne(entry: Entry): T | undefined {
    const { read, step, most } = this.#options;
    const value = read(entry);
    const known = this.#seen.get(entry.key);
    if (value === undefined || (known === undefined && this.#seen.size >= most && !this.#makeRoom())) {
      return this.#ignore();
    }
    const steps = known === undefined ? 1 : step(known.value, value);
    if (steps < 0) return this.#ignore();
    if (steps === 0) return undefined;
    this.#seen.set(entry.key, { value, since: this.#knownAt });
    return value;
  }

  #makeRoom(): boolean {
    const key = this.#options.givesUp?.(this.#seen);
    return key !== undefined && this.#seen.delete(key);
  }

  #ignore(): undefined {
    this.#ignored++;
    return undefined;
  }
}

/** How old it is at most, by the clock that says more; undefined: nobody knows. */
export function ageMs({ since }: CachedEntry<unknown>, now: Moment): number | undefined {
  return since === undefined ? undefined : Math.max(0, -untilMs(since, now));
}
