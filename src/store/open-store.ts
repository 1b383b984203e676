import { RouterError } from "../core/errors.ts";
import { Unreachable } from "../core/unreachable.ts";
import { inTimers } from "./check-request.ts";
import { openLeases } from "./open-leases.ts";
import { linkInLoop } from "./session/loop-link.ts";
import { Sessions } from "./session/sessions.ts";
import { linkToThread } from "./session/thread-link.ts";
import type { Store, StoreAdapter, StoreOptions, StoreSettings } from "./store.ts";

/**
 * Opens the store of a kind; whether a server answers is seen by the first call. Throws
 * `STORE_REFUSED` for settings that cannot be used. Sessions are renewed in a thread of their own;
 * with a clock that no other thread has (`machineMs` is absent), in this one.
 */
export async function openStore(settings: StoreSettings, options: StoreOptions): Promise<Store> {
  const { clock, random } = options;
  const { adapter, leases } = await openAdapter(settings, options);
  const link = clock.machineMs === undefined ? linkInLoop({ clock, random, openLeases }) : linkToThread;
  return withSessions(adapter, new Sessions({ ...options, facts: adapter.facts, settings: leases, link }));
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

function withSessions(adapter: StoreAdapter, sessions: Sessions): Store {
  const closed = new AbortController();
  /** Those who are told that the store cannot be reached would try again for ever. */
  const open = (): StoreAdapter => {
    closed.signal.throwIfAborted();
    return adapter;
  };
  return {
    facts: adapter.facts,
    compact: adapter.compact,
    get: async (key, options) => await open().get(key, inTimers(options)),
    list: async (prefix, options) => await open().list(prefix, inTimers(options)),
    txn: async (txn, options) => await open().txn(txn, inTimers(options)),
    check: async (options) => await open().check(inTimers(options)),
    watch: (prefix, { signal }) => adapter.watch(prefix, { signal: AbortSignal.any([signal, closed.signal]) }),
    async openSession(options) {
      closed.signal.throwIfAborted();
      return await sessions.open(inTimers(options));
    },
    async [Symbol.asyncDispose]() {
      closed.abort(new RouterError("SHUTDOWN", "the store was closed"));
      await sessions[Symbol.asyncDispose]();
      await adapter[Symbol.asyncDispose]();
    },
  };
}
