import { checkKey, checkPrefix, checkTxn } from "../check-request.ts";
import { observed, outcomeOfTxn } from "../observed.ts";
import type { ConsulSettings, StoreAdapter, StoreOptions } from "../store.ts";
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
  const { clock, random } = options;
  const http = new ConsulHttp(settings, CALL_CONNECTIONS, clock);
  // Watches keep their connections busy: calls have others.
  const watchHttp = new ConsulHttp(settings, WATCH_CONNECTIONS, clock);
  const lag = new WatchLag(options);
  const scene = { http: watchHttp, calls: http, slots: new WatchSlots(WATCH_CONNECTIONS), options, lag };
  return {
    facts: FACTS,
    async get(key, call) {
      checkKey(key);
      const time = new CallTime(call, clock);
      return observed(options, "get", () => readKey(http, key, time));
    },
    async list(prefix, call) {
      checkPrefix(prefix);
      const time = new CallTime(call, clock);
      return observed(options, "list", () => readList(http, prefix, time, call));
    },
    async txn(txn, call) {
      checkTxn(txn);
      return observed(options, "txn", () => runTxn(http, random, txn, call), outcomeOfTxn);
    },
    watch(prefix, { signal }) {
      checkPrefix(prefix);
      return watchPrefix(scene, prefix, signal);
    },
    check: (call) => checkConsul(http, settings.token !== undefined, call),
    async [Symbol.asyncDispose]() {
      lag[Symbol.dispose]();
      await Promise.all([http[Symbol.asyncDispose](), watchHttp[Symbol.asyncDispose]()]);
    },
  };
}
