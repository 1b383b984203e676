import { checkKey, checkPrefix, checkTxn } from "../check-request.ts";
import type {
  CallOptions,
  Entry,
  EtcdSettings,
  Listing,
  ListOptions,
  Revision,
  StoreAdapter,
  StoreCheck,
  StoreOptions,
  Txn,
  TxnOutcome,
  WatchEvent,
  WatchOptions,
} from "../store.ts";
import { checkEtcd } from "./check.ts";
import { checkSettings } from "./check-settings.ts";
import { FACTS } from "./facts.ts";
import { isCompacted, storeError } from "./fault.ts";
import { listenToGrpc } from "./grpc-log.ts";
import { encodeCompaction } from "./messages.ts";
import { COMPACT } from "./methods.ts";
import { observed } from "../observed.ts";
import { RangeReader } from "./range.ts";
import { Rpc } from "./rpc.ts";
import { Tokens } from "./tokens.ts";
import { EtcdTxnSender } from "./txn-sender.ts";
import { WatchLag } from "../watch-lag.ts";
import { EtcdWatch } from "./watch.ts";
import { WatchQueue } from "./watch-queue.ts";

/** Connects when it is first asked for something. Throws `STORE_REFUSED` for unusable settings. */
export function openEtcd(settings: EtcdSettings, options: StoreOptions): StoreAdapter {
  checkSettings(settings);
  return new Etcd(settings, options);
}

class Etcd implements StoreAdapter {
  readonly facts = FACTS;
  readonly compact: StoreAdapter["compact"];
  readonly #settings: EtcdSettings;
  readonly #options: StoreOptions;
  readonly #rpc: Rpc;
  readonly #watchRpc: Rpc;
  readonly #reader: RangeReader;
  readonly #sender: EtcdTxnSender;
  readonly #lag: WatchLag;
  readonly #closed = new AbortController();
  readonly #library: Disposable;
  /** What may be read, for checks. */
  #lastKey = "/";

  constructor(settings: EtcdSettings, options: StoreOptions) {
    const tokens = new Tokens(settings.user);
    this.#settings = settings;
    if (settings.compact) this.compact = (revision, call) => this.#compact(revision, call);
    this.#options = options;
    this.#library = listenToGrpc((text) => options.observer.said?.(text));
    this.#lag = new WatchLag(options);
    this.#rpc = new Rpc(settings, tokens, options);
    this.#watchRpc = new Rpc(settings, tokens, options);
    this.#reader = new RangeReader(this.#rpc, options.clock);
    this.#sender = new EtcdTxnSender(this.#rpc, this.#reader, options.clock);
  }

  async get(key: string, options: CallOptions): Promise<Entry | undefined> {
    checkKey(key);
    this.#lastKey = key;
    return await observed(this.#options, "get", () => this.#reader.get(key, options));
  }

  async list(prefix: string, options: ListOptions): Promise<Listing> {
    checkPrefix(prefix);
    this.#lastKey = prefix;
    const listing = await observed(this.#options, "list", () => this.#reader.list(prefix, options));
    return { entries: listing.entries, revision: listing.revision, hasMore: listing.hasMore };
  }

  async txn(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    checkTxn(txn);
    return await observed(
      this.#options,
      "txn",
      () => this.#sender.txn(txn, options),
      ({ done }) => (done ? "done" : "not_done"),
    );
  }

  watch(prefix: string, { signal }: WatchOptions): AsyncIterable<WatchEvent> {
    checkPrefix(prefix);
    return this.#watch(prefix, signal);
  }

  check(options: CallOptions): Promise<StoreCheck> {
    const { compact: compacts, tls } = this.#settings;
    const { clock } = this.#options;
    return checkEtcd({ rpc: this.#rpc, reader: this.#reader, clock, key: this.#lastKey, compacts, tls }, options);
  }

  async #compact(revision: Revision, options: CallOptions): Promise<void> {
    const answer = await this.#rpc.call(COMPACT, encodeCompaction(revision), options);
    if (!answer.ok && !answer.faults.some(isCompacted)) throw storeError(answer.faults);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#lag[Symbol.dispose]();
    this.#rpc[Symbol.dispose]();
    this.#watchRpc[Symbol.dispose]();
    this.#library[Symbol.dispose]();
    return Promise.resolve();
  }

  async *#watch(prefix: string, given: AbortSignal): AsyncGenerator<WatchEvent, void, undefined> {
    const { clock, random, observer } = this.#options;
    const stop = new AbortController();
    const signal = AbortSignal.any([given, this.#closed.signal, stop.signal]);
    const queue = new WatchQueue(signal);
    const parts = { prefix, rpc: this.#watchRpc, reader: this.#reader, clock, random, observer, lag: this.#lag };
    const running = new EtcdWatch(parts, queue, signal).run();
    try {
      for (let event = await queue.next(); event !== undefined; event = await queue.next()) yield event;
    } finally {
      stop.abort();
      await running;
    }
  }
}
