import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { checkKey, checkPrefix, checkTxn } from "../check-request.ts";
import { outcomeOfTxn } from "../observed.ts";
import type {
  CallOptions,
  EmbeddedSettings,
  StoreAdapter,
  StoreOperation,
  StoreOptions,
  TxnOutcome,
} from "../store.ts";
import { carryOut } from "./carry-out.ts";
import { checkFile } from "./check-file.ts";
import { FACTS, HISTORY } from "./facts.ts";
import { Feed } from "./feed.ts";
import { listAtOnce, listInTurns, type PositionedListing, type Range } from "./listing.ts";
import { call, type HowToCall } from "./until-free.ts";
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
  return storeIn(file, options);
}

function storeIn(file: StoreFile, world: StoreOptions): StoreAdapter {
  const feed = new Feed(file, world.clock);
  const lag = new WatchLag(world);
  const closed = new AbortController();
  const list = async (range: Range, options: CallOptions): Promise<PositionedListing> => {
    const listing = await inTurn("list", () => listAtOnce(file, range), { options, world });
    return listing ?? (await listInTurns(file, range, options, world));
  };
  return {
    facts: FACTS,
    async get(key, options) {
      checkKey(key);
      return await inTurn("get", () => file.read(({ tables }) => tables.entry(key)), { options, world });
    },
    async list(prefix, { after, limit, ...options }) {
      checkPrefix(prefix);
      const { entries, revision, hasMore } = await list({ prefix, after, limit }, options);
      return { entries, revision, hasMore };
    },
    async txn(txn, options) {
      checkTxn(txn);
      const run = (): TxnOutcome => file.write((opened) => carryOut(opened, txn, file.nowMs()));
      return await inTurn("txn", run, { options, world, outcome: outcomeOfTxn });
    },
    watch(prefix, { signal }) {
      checkPrefix(prefix);
      const parts = { file, feed, world, lag, list: () => list({ prefix }, { signal }) };
      return watchPrefix(parts, prefix, AbortSignal.any([signal, closed.signal]));
    },
    check: (options) => inTurn("get", () => checkFile(file, world.clock), { options, world }),
    async [Symbol.asyncDispose]() {
      closed.abort();
      for (const part of [lag, feed, file]) part[Symbol.dispose]();
    },
  };
}

/**
 * It takes a turn of the loop, although nothing has to be waited for: else whoever calls again and
 * again would hold the loop.
 */
async function inTurn<T>(operation: StoreOperation, run: () => T, how: HowToCall<T>): Promise<T> {
  const result = await call(operation, run, how);
  await setImmediate();
  return result;
}
