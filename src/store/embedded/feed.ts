import type { Cancel, Clock } from "../../core/clock.ts";
import type { Revision } from "../store.ts";
import type { StoreFile } from "./store-file.ts";
import type { HistoryChange } from "./tables.ts";

/** How long after another process wrote its writes are seen, at most; and ends of leases. */
export const POLL_MS = 25;
/** What is read of the history in one turn. */
const TURN = { maxChanges: 1_000, maxBytes: 4_194_304 };

/** What was written after `from`, to `to`: whole revisions, which nothing changes any more. */
export interface HistoryBatch {
  readonly kind: "batch";
  readonly from: Revision;
  readonly to: Revision;
  readonly changes: readonly HistoryChange[];
  /** There was nothing more when it was read; whoever waits is woken when there is. */
  readonly isWhole: boolean;
}

/** What follows cannot be told: that history is gone, or the store began again. */
interface HistoryGap {
  readonly kind: "gap";
  readonly why: "compacted" | "wiped";
}

/** Where somebody is in the history of a file. */
export interface HistoryPosition {
  readonly born: string;
  readonly revision: Revision;
}

/** A watch that waits for something to be written. */
interface Waiter extends Disposable {
  /** When something may have been written since the last time that this was asked. */
  changed(): Promise<void>;
}

/** Wakes watches, and reads what they tell once for all of them. */
export class Feed implements Disposable {
  readonly #file: StoreFile;
  readonly #clock: Clock;
  readonly #waiters = new Set<{ wake(): void }>();
  readonly #ours: Disposable;
  #cancel: Cancel | undefined;
  #seen = "";
  #willWake = false;
  #last: (HistoryBatch & { readonly born: string }) | undefined;

  constructor(file: StoreFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#ours = file.onWritten(() => this.#wakeSoon());
  }

  /** Watches that wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Until it is disposed of, or the signal says so: then it wakes once more. */
  join(signal: AbortSignal): Waiter {
    let isAwake = false;
    let waiting = Promise.withResolvers<void>();
    const waiter = {
      wake(): void {
        isAwake = true;
        waiting.resolve();
      },
    };
    const leave = (): void => {
      signal.removeEventListener("abort", leave);
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) this.#rest();
      waiter.wake();
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiters.add(waiter);
    if (this.#cancel === undefined) this.#pollLater();
    return {
      async changed() {
        if (!isAwake) {
          waiting = Promise.withResolvers();
          await waiting.promise;
        }
        isAwake = signal.aborted;
      },
      [Symbol.dispose]: leave,
    };
  }

  /** What follows a place, perhaps not all of it. Throws as the file does. */
  after({ born, revision }: HistoryPosition): HistoryBatch | HistoryGap {
    const last = this.#last;
    if (last?.from === revision && last.born === born) return last;
    return this.#file.read(({ tables }) => {
      const state = tables.state();
      if (state.born !== born || state.revision < revision) return { kind: "gap", why: "wiped" };
      if (revision < state.compacted) return { kind: "gap", why: "compacted" };
      const { changes, isWhole } = tables.changesAfter(revision, TURN);
      const to = isWhole ? state.revision : (changes.at(-1)?.revision ?? state.revision);
      const batch: HistoryBatch = { kind: "batch", from: revision, to, changes, isWhole };
      if (to > revision) this.#last = { ...batch, born };
      return batch;
    });
  }

  [Symbol.dispose](): void {
    this.#ours[Symbol.dispose]();
    this.#rest();
    for (const waiter of this.#waiters) waiter.wake();
  }

  /** In a turn of its own: whoever writes is not held up, and many writes wake once. */
  #wakeSoon(): void {
    this.#last = undefined; // it is whole no more
    if (this.#willWake) return;
    this.#willWake = true;
    queueMicrotask(() => {
      this.#willWake = false;
      for (const waiter of this.#waiters) waiter.wake();
    });
  }

  #pollLater(): void {
    this.#cancel = this.#clock.after(POLL_MS, () => {
      this.#poll();
      if (this.#waiters.size > 0) this.#pollLater();
    });
  }

  /** Reading ends leases whose time is over, too. A fault is found, and told, by the watches. */
  #poll(): void {
    let seen: string;
    try {
      const { born, revision } = this.#file.state();
      seen = `${born} ${revision}`;
    } catch (cause) {
      seen = String(cause);
    }
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#wakeSoon();
  }

  #rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#last = undefined;
  }
}
