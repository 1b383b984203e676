import { sleep } from "../../src/core/clock.ts";
import { RouterError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openEmbeddedLeases } from "../../src/store/embedded/embedded-leases.ts";
import { openEmbedded, withNameOfItsOwn } from "../../src/store/embedded/open-embedded.ts";
import type { LeaseClient } from "../../src/store/lease.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import type {
  CallOptions,
  Entry,
  Listing,
  ListOptions,
  Session,
  SessionOptions,
  Store,
  StoreAdapter,
  StoreCheck,
  StoreFacts,
  Txn,
  TxnOutcome,
  WatchEvent,
  WatchOptions,
} from "../../src/store/store.ts";
import { ManualClock } from "./manual-clock.ts";

const NEVER = new AbortController().signal;
const TTL_MS = 15_000;
/** Nobody renews leases here: they end when their tests say so. */
const LONG_MS = 3_600_000;
/** Between two steps of the clock all that is ready runs. */
const STEP_MS = 25;
/** Of the clock: what has not come by then does not come. */
const LONGEST_MS = 100_000;

/** A session that nobody renews, and that its test ends. */
export class RiggedSession implements Session {
  readonly id: string;
  readonly ttlMs: number;
  isClosed = false;
  /** Less, as a process that stood still finds it. */
  leftMs: number;
  readonly #lost = new AbortController();
  readonly #end: () => Promise<void>;
  readonly #isReached: () => boolean;

  constructor(id: string, ttlMs: number, store: { end: () => Promise<void>; isReached: () => boolean }) {
    this.#end = store.end;
    this.#isReached = store.isReached;
    this.id = id;
    this.ttlMs = ttlMs;
    this.leftMs = ttlMs;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  validForMs(): number {
    return this.lost.aborted ? 0 : this.leftMs;
  }

  /** As the deadline of its own does; the store may not have ended it yet. */
  lose(): void {
    this.#lost.abort(new RouterError("SESSION_LOST", "no renewal was answered in time"));
  }

  /** The store ends it, and its holder does not know. */
  endInStore(): Promise<void> {
    return this.#end();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    if (this.#isReached()) await this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An embedded store in memory, on a clock moved by hand, with faults that a test asks for. */
export class RiggedStore implements Store {
  readonly clock = new ManualClock();
  readonly sessions: RiggedSession[] = [];
  /** Lists that were asked for. */
  lists = 0;
  /** No call gets through. */
  isAway = false;
  /** Watches that begin now tell nothing. */
  isBlind = false;
  facts: StoreFacts;
  /** Asked before each transaction; what it throws is the outcome. */
  beforeTxn: (txn: Txn) => void | Promise<void> = () => undefined;
  /** Asked after each transaction: true, and its answer is lost. */
  losesAnswer: (txn: Txn) => boolean = () => false;
  readonly #adapter: StoreAdapter;
  readonly #leases: LeaseClient;

  private constructor(adapter: (clock: ManualClock) => [StoreAdapter, LeaseClient]) {
    [this.#adapter, this.#leases] = adapter(this.clock);
    this.facts = this.#adapter.facts;
  }

  static open(): RiggedStore {
    const settings = withNameOfItsOwn({ kind: "embedded", file: ":memory:" });
    return new RiggedStore((clock) => {
      const options = { clock, random: seededRandom(1), observer: UNOBSERVED };
      return [openEmbedded(settings, options), openEmbeddedLeases(settings, options)];
    });
  }

  get place(): RecipePlace {
    return { store: this, prefix: "/test", clock: this.clock, random: seededRandom(2) };
  }

  /** The store as one sees it who is told of nothing for as long as `isBlind` says so. */
  view(isBlind: (prefix: string) => boolean): RecipePlace {
    const all = this.#bound();
    const { clock } = this;
    const store: Store = {
      ...all,
      async *watch(prefix, options) {
        for await (const event of all.watch(prefix, options)) {
          while (isBlind(prefix)) await sleep(clock, STEP_MS, NEVER);
          if (!options.signal.aborted) yield event;
        }
      },
    };
    return { ...this.place, store };
  }

  /** One key for all, and no order: as with Consul. */
  beUnfair(): void {
    this.facts = { ...this.facts, isFair: false };
  }

  /** What this becomes, while the clock goes on as fast as the work gets done. */
  async pass<T>(promise: Promise<T>): Promise<T> {
    const state = { isSettled: false };
    const settle = (): void => void (state.isSettled = true);
    promise.then(settle, settle);
    await this.until(() => state.isSettled);
    return promise;
  }

  /** Until it is so. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    await this.settle();
    for (const endMs = this.clock.nowMs() + LONGEST_MS; !(await isSo()); ) {
      if (this.clock.nowMs() > endMs) throw new Error(`it is not so after ${LONGEST_MS} ms of the clock`);
      this.clock.advance(STEP_MS);
      await this.settle();
    }
  }

  /** Lets all run that is ready. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Below the prefix; also while it is away. */
  async entries(): Promise<readonly Entry[]> {
    return (await this.#adapter.list("/test/", { signal: NEVER })).entries;
  }

  /** Somebody else does, who uses no recipe. */
  write(txn: Txn): Promise<TxnOutcome> {
    return this.#adapter.txn(txn, { signal: NEVER });
  }

  async get(key: string, options: CallOptions): Promise<Entry | undefined> {
    this.#reach(options.signal);
    return await this.#adapter.get(key, options);
  }

  async list(prefix: string, options: ListOptions): Promise<Listing> {
    this.#reach(options.signal);
    this.lists++;
    return await this.#adapter.list(prefix, options);
  }

  async txn(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    await this.beforeTxn(txn);
    this.#reach(options.signal);
    const outcome = await this.#adapter.txn(txn, options);
    if (this.losesAnswer(txn)) throw new RouterError("STORE_UNKNOWN", "the answer was lost");
    return outcome;
  }

  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
    if (!this.isBlind) yield* this.#adapter.watch(prefix, options);
    else await new Promise<void>((resolve) => options.signal.addEventListener("abort", () => resolve()));
  }

  async openSession({ ttlMs = TTL_MS, signal }: SessionOptions): Promise<Session> {
    this.#reach(signal);
    const { id } = await this.#leases.grant(LONG_MS, { signal });
    const end = (): Promise<void> => this.#leases.revoke(id, { signal: NEVER });
    const session = new RiggedSession(id, ttlMs, { end, isReached: () => !this.isAway });
    this.sessions.push(session);
    return session;
  }

  check(options: CallOptions): Promise<StoreCheck> {
    return this.#adapter.check(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#adapter[Symbol.asyncDispose]();
    await this.#leases[Symbol.asyncDispose]();
  }

  #bound(): Store {
    return {
      facts: this.facts,
      get: (key, options) => this.get(key, options),
      list: (prefix, options) => this.list(prefix, options),
      txn: (txn, options) => this.txn(txn, options),
      watch: (prefix, options) => this.watch(prefix, options),
      openSession: (options) => this.openSession(options),
      check: (options) => this.check(options),
      [Symbol.asyncDispose]: () => this[Symbol.asyncDispose](),
    };
  }

  #reach(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.isAway) throw new RouterError("STORE_UNREACHABLE", "the store is away");
  }
}
