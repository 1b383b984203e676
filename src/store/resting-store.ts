import type { Cancel, Clock } from "../core/clock.ts";
import { RouterError } from "../core/errors.ts";
import type { Store } from "./store.ts";

/** Calls that belong together come soon after one another: they share what was opened. */
export const REST_AFTER_MS = 1_000;

interface RestingStoreOptions {
  /** Throws as `openStore`. */
  readonly open: () => Promise<Store>;
  readonly clock: Clock;
}

/**
 * A store that is open only while it is used: for those who ask it now and then, of whom there may
 * be so many that their connections would be the most of its work. Fails as `open`.
 */
export async function openRestingStore(options: RestingStoreOptions): Promise<Store> {
  const first = await options.open();
  return restingStore(first, new StoreUses(options, first));
}

function restingStore({ facts }: Store, uses: StoreUses): Store {
  return {
    facts,
    get: (key, options) => uses.use((store) => store.get(key, options)),
    list: (prefix, options) => uses.use((store) => store.list(prefix, options)),
    txn: (txn, options) => uses.use((store) => store.txn(txn, options)),
    check: (options) => uses.use((store) => store.check(options)),
    async *watch(prefix, options) {
      if (uses.isClosed) return;
      const store = await uses.take();
      try {
        yield* store.watch(prefix, options);
      } finally {
        uses.release();
      }
    },
    /** It stays open for as long as the session is held. */
    async openSession(options) {
      const store = await uses.take();
      try {
        const session = await store.openSession(options);
        if (session.lost.aborted) uses.release();
        else session.lost.addEventListener("abort", () => uses.release(), { once: true });
        return session;
      } catch (cause) {
        uses.release();
        throw cause;
      }
    },
    [Symbol.asyncDispose]: () => uses[Symbol.asyncDispose](),
  };
}

/** Who uses the store: while nobody does, it is closed. */
class StoreUses implements AsyncDisposable {
  readonly #options: RestingStoreOptions;
  readonly #closed = new AbortController();
  #opened: Promise<Store> | undefined;
  #uses = 0;
  #cancelRest: Cancel = () => {};
  /** What is being closed. */
  #resting: Promise<unknown> = Promise.resolve();

  constructor(options: RestingStoreOptions, first: Store) {
    this.#options = options;
    this.#opened = Promise.resolve(first);
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async use<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
    const store = await this.take();
    try {
      return await work(store);
    } finally {
      this.release();
    }
  }

  async take(): Promise<Store> {
    this.#closed.signal.throwIfAborted();
    this.#uses++;
    this.#cancelRest();
    const opening = (this.#opened ??= this.#options.open());
    try {
      return await opening;
    } catch (cause) {
      if (this.#opened === opening) this.#opened = undefined; // a file may be mended meanwhile
      this.release();
      throw cause;
    }
  }

  release(): void {
    this.#uses--;
    if (this.#uses > 0 || this.#closed.signal.aborted) return;
    this.#cancelRest();
    this.#cancelRest = this.#options.clock.after(REST_AFTER_MS, () => this.#rest());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new RouterError("SHUTDOWN", "the store was closed"));
    this.#rest();
    await this.#resting;
  }

  #rest(): void {
    this.#cancelRest();
    const opened = this.#opened;
    this.#opened = undefined;
    const closing = opened?.then((store) => store[Symbol.asyncDispose]()).catch(() => undefined);
    this.#resting = Promise.all([this.#resting, closing]);
  }
}
