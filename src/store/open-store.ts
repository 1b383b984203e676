import { RouterError } from "../core/errors.ts";
import { Unreachable } from "../core/unreachable.ts";
import { inTimers } from "./check-request.ts";
import { openLeases } from "./open-leases.ts";
import { linkInLoop } from "./session/loop-link.ts";
import { Sessions } from "./session/sessions.ts";
import { linkToThread } from "./session/thread-link.ts";
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
  StoreOptions,
  StoreSettings,
  Txn,
  TxnOutcome,
  WatchEvent,
  WatchOptions,
} from "./store.ts";

/**
 * Opens the store of a kind; whether a server answers is seen by the first call. Throws
 * `STORE_REFUSED` for settings that cannot be used. Sessions are renewed in a thread of their own;
 * with a clock that no other thread has (`machineMs` is absent), in this one.
 */
export async function openStore(settings: StoreSettings, options: StoreOptions): Promise<Store> {
  const { clock, random } = options;
  const { adapter, leases } = await openAdapter(settings, options);
  const link = clock.machineMs === undefined ? linkInLoop({ clock, random, openLeases }) : linkToThread;
  return new StoreWithSessions(adapter, new Sessions({ ...options, facts: adapter.facts, settings: leases, link }));
}

interface OpenedAdapter {
  readonly adapter: StoreAdapter;
  /** What leases of the same store are opened with. */
  readonly leases: StoreSettings;
}

/** Loads what the kind needs, and no more. */
async function openAdapter(settings: StoreSettings, options: StoreOptions): Promise<OpenedAdapter> {
  switch (settings.kind) {
    case "embedded": {
      const { openEmbedded, withNameOfItsOwn } = await import("./embedded/open-embedded.ts");
      const named = withNameOfItsOwn(settings);
      return { adapter: openEmbedded(named, options), leases: named };
    }
    case "etcd":
      return { adapter: (await import("./etcd/open-etcd.ts")).openEtcd(settings, options), leases: settings };
    case "consul":
      return { adapter: (await import("./consul/open-consul.ts")).openConsul(settings, options), leases: settings };
    default:
      throw new Unreachable(settings satisfies never);
  }
}

class StoreWithSessions implements Store {
  readonly #adapter: StoreAdapter;
  readonly #sessions: Sessions;
  readonly #closed = new AbortController();

  constructor(adapter: StoreAdapter, sessions: Sessions) {
    this.#adapter = adapter;
    this.#sessions = sessions;
  }

  get facts(): StoreFacts {
    return this.#adapter.facts;
  }

  get compact(): Store["compact"] {
    return this.#adapter.compact;
  }

  async get(key: string, options: CallOptions): Promise<Entry | undefined> {
    return await this.#open.get(key, inTimers(options));
  }

  async list(prefix: string, options: ListOptions): Promise<Listing> {
    return await this.#open.list(prefix, inTimers(options));
  }

  async txn(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    return await this.#open.txn(txn, inTimers(options));
  }

  watch(prefix: string, { signal }: WatchOptions): AsyncIterable<WatchEvent> {
    return this.#adapter.watch(prefix, { signal: AbortSignal.any([signal, this.#closed.signal]) });
  }

  async openSession(options: SessionOptions): Promise<Session> {
    this.#closed.signal.throwIfAborted();
    return await this.#sessions.open(inTimers(options));
  }

  async check(options: CallOptions): Promise<StoreCheck> {
    return await this.#open.check(inTimers(options));
  }

  /** Those who are told that the store cannot be reached would try again for ever. */
  get #open(): StoreAdapter {
    this.#closed.signal.throwIfAborted();
    return this.#adapter;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new RouterError("SHUTDOWN", "the store was closed"));
    await this.#sessions[Symbol.asyncDispose]();
    await this.#adapter[Symbol.asyncDispose]();
  }
}
