import { type Cancel, type Clock, systemClock } from "../../core/clock.ts";

export interface BatcherOptions {
  /** Items: a batch that has so many leaves at once. */
  readonly maxBatchSize: number;
  /** Milliseconds: nothing waits longer for its batch to fill, counted from its first item. */
  readonly maxWaitTime: number;
  /** Batches that may wait for the handler: `add` waits from there on. 100 without. */
  readonly maxWaitingBatches?: number;
  /** The machine's own time without. */
  readonly clock?: Clock;
}

/** What becomes of batches. */
export interface BatchHandler<Item> {
  /** Is given one batch at a time, in the order of `add`. The batch is the handler's own. */
  handle(batch: Item[]): void | Promise<void>;
  /** What `handle` has thrown, with its batch: nobody else has it any more. Must not throw. */
  failed(error: unknown, batch: Item[]): void;
}

/** Gathers single items into batches. Disposing it hands over what is left, and waits for it. */
export interface Batcher<Item> extends AsyncDisposable {
  /**
   * Takes an item. Resolves when it has a place, which is at once unless the handler lags; rejects
   * with a TypeError once it is disposed of.
   */
  add(item: Item): Promise<void>;
  /** Hands over what was taken, however little, and resolves when that is handled. */
  flush(): Promise<void>;
  /** Items that the handler has not been given yet. */
  readonly size: number;
}

/** Throws a RangeError for sizes below 1, and for times that no timer counts. */
export function openBatcher<Item>(options: BatcherOptions, handler: BatchHandler<Item>): Batcher<Item> {
  return new HandledBatcher(options, handler);
}

/** An item that waits for a place. */
interface Outside<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (reason: TypeError) => void;
}

const TAKEN_IN = Promise.resolve();
const MAX_WAITING_BATCHES = 100;
/** Timers do not count further. */
const LONGEST_WAIT_MS = 2_147_483_647;

class HandledBatcher<Item> implements Batcher<Item> {
  readonly #handler: BatchHandler<Item>;
  readonly #clock: Clock;
  readonly #maxItems: number;
  readonly #maxWaitMs: number;
  readonly #maxWaiting: number;
  #filling: Item[] = [];
  #timer: Cancel = () => undefined;
  /** Batches and items that wait for the handler. */
  #waiting = 0;
  #waitingItems = 0;
  /** Resolves when the batches of until now are handled. */
  #handled: Promise<void> = Promise.resolve();
  /** Those who wait for a place, in their order. */
  readonly #outside: Outside<Item>[] = [];
  #closed = false;

  constructor(options: BatcherOptions, handler: BatchHandler<Item>) {
    const { maxBatchSize, maxWaitTime, maxWaitingBatches = MAX_WAITING_BATCHES, clock = systemClock } = options;
    this.#handler = handler;
    this.#clock = clock;
    this.#maxItems = countIn("maxBatchSize", maxBatchSize);
    this.#maxWaiting = countIn("maxWaitingBatches", maxWaitingBatches);
    if (!(maxWaitTime >= 0 && maxWaitTime <= LONGEST_WAIT_MS)) {
      throw new RangeError(`maxWaitTime is ${maxWaitTime}: milliseconds from 0 to ${LONGEST_WAIT_MS}`);
    }
    this.#maxWaitMs = maxWaitTime;
  }

  get size(): number {
    return this.#waitingItems + this.#filling.length;
  }

  add(item: Item): Promise<void> {
    if (this.#closed) return Promise.reject(closedFault());
    if (this.#isFull) {
      return new Promise((resolve, reject) => {
        this.#outside.push({ item, resolve, reject });
      });
    }
    this.#put(item);
    return TAKEN_IN;
  }

  async flush(): Promise<void> {
    this.#close();
    await this.#handled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#outside.splice(0)) reject(closedFault());
    await this.flush();
  }

  get #isFull(): boolean {
    return this.#waiting >= this.#maxWaiting;
  }

  #put(item: Item): void {
    this.#filling.push(item);
    if (this.#filling.length >= this.#maxItems) this.#close();
    else if (this.#filling.length === 1) this.#timer = this.#clock.after(this.#maxWaitMs, () => this.#close());
  }

  /** The batch that fills is whole: it waits for the handler. */
  #close(): void {
    this.#timer();
    const batch = this.#filling;
    if (batch.length === 0) return;
    this.#filling = [];
    this.#waiting++;
    this.#waitingItems += batch.length;
    const handle = (): Promise<void> => this.#handle(batch);
    this.#handled = this.#handled.then(handle, handle);
  }

  async #handle(batch: Item[]): Promise<void> {
    this.#waiting--;
    this.#waitingItems -= batch.length;
    while (!this.#isFull && this.#outside.length > 0) {
      const { item, resolve } = this.#outside.shift()!;
      this.#put(item);
      resolve();
    }
    try {
      await this.#handler.handle(batch);
    } catch (error) {
      this.#handler.failed(error, batch);
    }
  }
}

function closedFault(): TypeError {
  return new TypeError("this batcher is closed: it takes no more items");
}

function countIn(name: string, count: number): number {
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new RangeError(`${name} is ${count}: a whole number, 1 or more`);
}
