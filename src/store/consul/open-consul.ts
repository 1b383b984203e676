import { checkKey, checkPrefix, checkTxn } from "../check-request.ts";
import { observed } from "../observed.ts";
import type {
  CallOptions,
  ConsulSettings,
  Entry,
  Listing,
  ListOptions,
  StoreAdapter,
  StoreCheck,
  StoreOptions,
  Txn,
  TxnOutcome,
  WatchEvent,
  WatchOptions,
} from "../store.ts";
import { CallTime } from "./call-time.ts";
import { checkConsul } from "./consul-check.ts";
import { ConsulHttp } from "./consul-http.ts";
import { runTxn } from "./consul-txn.ts";
import { CALL_CONNECTIONS, FACTS, WATCH_CONNECTIONS } from "./facts.ts";
import { WatchSlots } from "./watch-slots.ts";
import { readKey, readList } from "./read-keys.ts";
import { WatchLag } from "../watch-lag.ts";
import { watchPrefix } from "./watch-prefix.ts";

/** Connects when it is first asked for something. Throws `STORE_REFUSED` for unusable settings. */
export function openConsul(settings: ConsulSettings, options: StoreOptions): StoreAdapter {
  return new ConsulStore(settings, options);
}

class ConsulStore implements StoreAdapter {
  readonly facts = FACTS;
  readonly #http: ConsulHttp;
  /** Watches keep their connections busy: calls have others. */
  readonly #watchHttp: ConsulHttp;
  readonly #slots = new WatchSlots(WATCH_CONNECTIONS);
  readonly #lag: WatchLag;
  readonly #options: StoreOptions;
  readonly #hasToken: boolean;

  constructor(settings: ConsulSettings, options: StoreOptions) {
    this.#http = new ConsulHttp(settings, CALL_CONNECTIONS, options.clock);
    this.#watchHttp = new ConsulHttp(settings, WATCH_CONNECTIONS, options.clock);
    this.#lag = new WatchLag(options);
    this.#options = options;
    this.#hasToken = settings.token !== undefined;
  }

  async get(key: string, options: CallOptions): Promise<Entry | undefined> {
    checkKey(key);
    const time = new CallTime(options, this.#options.clock);
    return observed(this.#options, "get", () => readKey(this.#http, key, time));
  }

  async list(prefix: string, options: ListOptions): Promise<Listing> {
    checkPrefix(prefix);
    const time = new CallTime(options, this.#options.clock);
    return observed(this.#options, "list", () => readList(this.#http, prefix, time, options));
  }

  async txn(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    checkTxn(txn);
    const run = (): Promise<TxnOutcome> => runTxn(this.#http, this.#options.random, txn, options);
    return observed(this.#options, "txn", run, ({ done }) => (done ? "done" : "not_done"));
  }

  watch(prefix: string, { signal }: WatchOptions): AsyncIterable<WatchEvent> {
    checkPrefix(prefix);
    const calls = { http: this.#watchHttp, calls: this.#http };
    const scene = { ...calls, slots: this.#slots, options: this.#options, lag: this.#lag };
    return watchPrefix(scene, prefix, signal);
  }

  check(options: CallOptions): Promise<StoreCheck> {
    return checkConsul(this.#http, this.#hasToken, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lag[Symbol.dispose]();
    await Promise.all([this.#http[Symbol.asyncDispose](), this.#watchHttp[Symbol.asyncDispose]()]);
  }
}
