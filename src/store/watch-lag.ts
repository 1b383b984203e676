import type { Cancel } from "../core/clock.ts";
import type { Revision, StoreOptions } from "./store.ts";

/** A watch, as somebody sees it who wants to know how old what it told may be. */
export interface MeasuredWatch {
  /** The newest revision of what is watched, of a linearizable read; a rejection: it is unknown. */
  newest(signal: AbortSignal): Promise<Revision>;
  /** Whether all up to there has come. */
  hasPassed(revision: Revision): boolean;
  /** Has the store say how far the watch is, where it does so only when asked. */
  ask?(): void;
}

/** What a watch says of itself. Disposed of: it has ended. */
export interface MeasuredSince extends Disposable {
  /** It may have passed something. */
  moved(): void;
  /** Whether its reader is at work, and asks for nothing: no fault of the store's. */
  isReaderBusy: boolean;
}

/** One watch after the other, so often: a read each time, however many there are. */
const EVERY_MS = 12_000;
/** etcd may keep quiet when it is asked while it has something to tell. */
const ASK_AGAIN_MS = 250;

interface Measuring {
  readonly watch: Measured;
  readonly sinceMs: number;
  /** Undefined: not known yet. */
  revision: Revision | undefined;
}

/**
 * Measures without a write how old at most is what the watches of a store have told: the time from
 * asking the store for its newest revision until the watch has all up to it. While it has not, or
 * the store does not answer, what has passed so far is told each time.
 */
export class WatchLag implements Disposable {
  readonly #options: StoreOptions;
  /** Whose turn it is comes first. */
  readonly #watches = new Set<Measured>();
  readonly #stop = new AbortController();
  #cancelTurn: Cancel = () => undefined;
  #cancelAsk: Cancel = () => undefined;
  #measuring: Measuring | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  enter(watch: MeasuredWatch): MeasuredSince {
    const measured = new Measured(watch, this);
    this.#watches.add(measured);
    if (this.#watches.size === 1 && !this.#stop.signal.aborted) this.#turnLater();
    return measured;
  }

  leave(watch: Measured): void {
    this.#watches.delete(watch);
    if (this.#measuring?.watch === watch) this.#end();
    if (this.#watches.size === 0) this.#cancelTurn();
  }

  moved(watch: Measured): void {
    const measuring = this.#measuring;
    if (measuring?.watch !== watch || measuring.revision === undefined) return;
    if (!watch.watch.hasPassed(measuring.revision)) return;
    this.#tell(measuring);
    this.#end();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#cancelTurn();
    this.#end();
  }

  #turnLater(): void {
    const { clock, random } = this.#options;
    this.#cancelTurn = clock.after(EVERY_MS * (1 + random.next() / 2), () => {
      this.#turnLater();
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#measuring?.watch.isReaderBusy === true) this.#end();
    if (this.#measuring === undefined) this.#begin();
    else this.#tell(this.#measuring);
    if (this.#measuring !== undefined) void this.#read(this.#measuring);
  }

  #begin(): void {
    const all = this.#watches.values().toArray(); // which the loop puts into another order
    for (const watch of all) {
      this.#watches.delete(watch);
      this.#watches.add(watch);
      if (watch.isReaderBusy) continue;
      this.#measuring = { watch, sinceMs: this.#options.clock.nowMs(), revision: undefined };
      return;
    }
  }

  async #read(measuring: Measuring): Promise<void> {
    const found = await measuring.watch.watch.newest(this.#stop.signal).catch(() => undefined);
    if (this.#measuring !== measuring || found === undefined) return;
    // A lower one: the store began again, and what was asked for before will not come.
    if (measuring.revision === undefined || found < measuring.revision) measuring.revision = found;
    this.moved(measuring.watch);
    if (this.#measuring === measuring) this.#ask(measuring);
  }

  #ask(measuring: Measuring): void {
    if (measuring.watch.watch.ask === undefined) return;
    this.#cancelAsk();
    measuring.watch.watch.ask();
    this.#cancelAsk = this.#options.clock.after(ASK_AGAIN_MS, () => this.#ask(measuring));
  }

  #tell({ sinceMs }: Measuring): void {
    this.#options.observer.watchLag(this.#options.clock.nowMs() - sinceMs);
  }

  #end(): void {
    this.#cancelAsk();
    this.#measuring = undefined;
  }
}

class Measured implements MeasuredSince {
  readonly watch: MeasuredWatch;
  readonly #lag: WatchLag;
  isReaderBusy = false;

  constructor(watch: MeasuredWatch, lag: WatchLag) {
    this.watch = watch;
    this.#lag = lag;
  }

  moved(): void {
    this.#lag.moved(this);
  }

  [Symbol.dispose](): void {
    this.#lag.leave(this);
  }
}
