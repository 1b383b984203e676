import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { checkKey, checkPrefix, checkTxn } from "../check-request.ts";
import type {
  CallOptions,
  EmbeddedSettings,
  Entry,
  Listing,
  ListOptions,
  StoreAdapter,
  StoreCallOutcome,
  StoreCheck,
  StoreFacts,
  StoreOperation,
  StoreOptions,
  Txn,
  TxnOutcome,
  WatchEvent,
  WatchOptions,
} from "../store.ts";
import { carryOut } from "./carry-out.ts";
import { checkFile } from "./check-file.ts";
import { FACTS, HISTORY } from "./facts.ts";
import { Feed } from "./feed.ts";
import { listAtOnce, listInTurns, type PositionedListing, type Range } from "./listing.ts";
import { call } from "./until-free.ts";
import { isBusy } from "./sqlite-fault.ts";
import { StoreFile } from "./store-file.ts";
import type { HistoryRetention } from "./tables.ts";
import { WatchLag } from "../watch-lag.ts";
import { watchPrefix } from "./watch.ts";

/**
 * `:memory:` alone is another store for each that opens it: with a name, all that have the same
 * settings in this process, whatever their thread, are in one.
 */
export function withNameOfItsOwn(settings: EmbeddedSettings): EmbeddedSettings {
  if (settings.file !== ":memory:") return settings;
  return { ...settings, file: `:memory:${randomBytes(8).toString("hex")}` };
}

/** Throws `STORE_REFUSED`, with what to do, for a file that is damaged, newer or not ours. */
export function openEmbedded(
  settings: EmbeddedSettings,
  options: StoreOptions,
  history: HistoryRetention = HISTORY,
): StoreAdapter {
  const file = new StoreFile(withNameOfItsOwn(settings).file, options.clock, history);
  try {
    file.check();
  } catch (cause) {
    if (!isBusy(cause)) {
      file[Symbol.dispose]();
      throw cause;
    } // else it is opened by the first call
  }
  return new EmbeddedStore(file, options);
}

class EmbeddedStore implements StoreAdapter {
  readonly facts: StoreFacts = FACTS;
  readonly #file: StoreFile;
  readonly #feed: Feed;
  readonly #world: StoreOptions;
  readonly #lag: WatchLag;
  readonly #closed = new AbortController();

  constructor(file: StoreFile, world: StoreOptions) {
    this.#file = file;
    this.#world = world;
    this.#feed = new Feed(file, world.clock);
    this.#lag = new WatchLag(world);
  }

  async get(key: string, options: CallOptions): Promise<Entry | undefined> {
    checkKey(key);
    const read = (): Entry | undefined => this.#file.read(({ tables }) => tables.entry(key));
    return await this.#call("get", read, options);
  }

  async list(prefix: string, { after, limit, ...options }: ListOptions): Promise<Listing> {
    checkPrefix(prefix);
    const { entries, revision, hasMore } = await this.#list({ prefix, after, limit }, options);
    return { entries, revision, hasMore };
  }

  async txn(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    checkTxn(txn);
    const run = (): TxnOutcome => this.#file.write((opened) => carryOut(opened, txn, this.#file.nowMs()));
    return await this.#call("txn", run, options, outcomeOf);
  }

  watch(prefix: string, { signal }: WatchOptions): AsyncIterable<WatchEvent> {
    checkPrefix(prefix);
    const list = (): Promise<PositionedListing> => this.#list({ prefix }, { signal });
    const parts = { file: this.#file, feed: this.#feed, world: this.#world, lag: this.#lag, list };
    return watchPrefix(parts, prefix, AbortSignal.any([signal, this.#closed.signal]));
  }

  async check(options: CallOptions): Promise<StoreCheck> {
    return await this.#call("get", () => checkFile(this.#file, this.#world.clock), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#lag[Symbol.dispose]();
    this.#feed[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }

  async #list(range: Range, options: CallOptions): Promise<PositionedListing> {
    const atOnce = (): PositionedListing | undefined => listAtOnce(this.#file, range);
    const listing = await this.#call("list", atOnce, options);
    return listing ?? (await listInTurns(this.#file, range, options, this.#world));
  }

  /**
   * It takes a turn of the loop, although nothing has to be waited for: else whoever calls again
   * and again would hold the loop.
   */
  async #call<T>(
    operation: StoreOperation,
    run: () => T,
    options: CallOptions,
    outcome?: (result: T) => StoreCallOutcome,
  ): Promise<T> {
    const result = await call(operation, run, { options, world: this.#world, ...(outcome && { outcome }) });
    await setImmediate();
    return result;
  }
}

function outcomeOf({ done }: TxnOutcome): "done" | "not_done" {
  return done ? "done" : "not_done";
}
