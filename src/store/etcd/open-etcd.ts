import { checkKey, checkPrefix, checkTxn } from "../check-request.ts";
import type { CallOptions, EtcdSettings, Revision, StoreAdapter, StoreOptions, WatchEvent } from "../store.ts";
import { checkEtcd } from "./check.ts";
import { checkSettings } from "./check-settings.ts";
import { FACTS } from "./facts.ts";
import { isCompacted, storeError } from "./fault.ts";
import { listenToGrpc } from "./grpc-log.ts";
import { encodeCompaction } from "./messages.ts";
import { COMPACT } from "./methods.ts";
import { observed, outcomeOfTxn } from "../observed.ts";
import { RangeReader } from "./range.ts";
import { Rpc } from "./rpc.ts";
import { Tokens } from "./tokens.ts";
import { sendTxn } from "./txn-sender.ts";
import { WatchLag } from "../watch-lag.ts";
import { EtcdWatch } from "./watch.ts";
import { WatchQueue } from "./watch-queue.ts";
import type { EtcdWatchParts } from "./watch-stream.ts";

/** Connects when it is first asked for something. Throws `STORE_REFUSED` for unusable settings. */
export function openEtcd(settings: EtcdSettings, options: StoreOptions): StoreAdapter {
  checkSettings(settings);
  const { clock, observer } = options;
  const library = listenToGrpc((text) => observer.said?.(text));
  const tokens = new Tokens(settings.user);
  const [rpc, watchRpc] = [new Rpc(settings, tokens, options), new Rpc(settings, tokens, options)];
  const reader = new RangeReader(rpc, clock);
  const lag = new WatchLag(options);
  const closed = new AbortController();
  let lastKey = "/"; // what may be read, for checks
  return {
    facts: FACTS,
    compact: settings.compact ? (revision, call) => compact(rpc, revision, call) : undefined,
    async get(key, call) {
      checkKey(key);
      lastKey = key;
      return await observed(options, "get", () => reader.get(key, call));
    },
    async list(prefix, call) {
      checkPrefix(prefix);
      lastKey = prefix;
      const { entries, revision, hasMore } = await observed(options, "list", () => reader.list(prefix, call));
      return { entries, revision, hasMore };
    },
    async txn(txn, call) {
      checkTxn(txn);
      return await observed(options, "txn", () => sendTxn({ rpc, reader, clock }, txn, call), outcomeOfTxn);
    },
    watch(prefix, { signal }) {
      checkPrefix(prefix);
      return watchEtcd({ ...options, prefix, rpc: watchRpc, reader, lag }, AbortSignal.any([signal, closed.signal]));
    },
    check: (call) =>
      checkEtcd({ rpc, reader, clock, key: lastKey, compacts: settings.compact, tls: settings.tls }, call),
    async [Symbol.asyncDispose]() {
      closed.abort();
      for (const part of [lag, rpc, watchRpc, library]) part[Symbol.dispose]();
    },
  };
}

async function compact(rpc: Rpc, revision: Revision, options: CallOptions): Promise<void> {
  const answer = await rpc.call(COMPACT, encodeCompaction(revision), options);
  if (!answer.ok && !answer.faults.some(isCompacted)) throw storeError(answer.faults);
}

async function* watchEtcd(parts: EtcdWatchParts, given: AbortSignal): AsyncGenerator<WatchEvent, void, undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([given, stop.signal]);
  const queue = new WatchQueue(signal);
  const running = new EtcdWatch(parts, queue, signal).run();
  try {
    for (let event = await queue.next(); event !== undefined; event = await queue.next()) yield event;
  } finally {
    stop.abort();
    await running;
  }
}
