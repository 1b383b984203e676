import { type Clock, sleep } from "../core/clock.ts";
import { reasonOf, RouterError } from "../core/errors.ts";
import { isTrue } from "./compare.ts";
import { CALL_DEADLINE_MS, type CallOptions, type Entry, type Revision } from "./store.ts";
import type { Compare, Txn, TxnOutcome, Write } from "./store.ts";

/** A transaction sent once, whose outcome may get lost on the way. */
export interface TxnSender {
  /** Undefined: nobody knows. Throws what says for certain that nothing was written. */
  send(txn: Txn, options: CallOptions): Promise<TxnOutcome | undefined>;
  get(key: string, options: CallOptions): Promise<Entry | undefined>;
}

interface SettleOptions extends CallOptions {
  readonly clock: Clock;
}

/**
 * Carries a transaction out once, within one deadline for all that this takes. When its outcome
 * gets lost, it may have been carried out, or may be yet, even after it was sent again. So what it
 * would have written is read: is it there, it was carried out; can it never be carried out any more
 * and was not, somebody else was first; do its comparisons still hold, it is sent again, which is
 * safe because at most one of two such transactions can find them so (unless somebody deletes what
 * one created while the other is on its way). What remains may have been carried out and written
 * over since: `STORE_UNKNOWN`.
 */
export async function settle(sender: TxnSender, txn: Txn, options: SettleOptions): Promise<TxnOutcome> {
  const startedMs = options.clock.nowMs();
  const outcome = await sender.send(txn, options);
  if (outcome !== undefined) return outcome;
  return await new LostTxn(sender, txn, options, startedMs).settle();
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

class LostTxn {
  readonly #sender: TxnSender;
  readonly #txn: Txn;
  readonly #options: SettleOptions;
  readonly #endMs: number;
  #pauseMs = FIRST_PAUSE_MS;
  /** What the last call said that failed. */
  #cause: unknown;

  constructor(sender: TxnSender, txn: Txn, options: SettleOptions, startedMs: number) {
    this.#sender = sender;
    this.#txn = txn;
    this.#options = options;
    this.#endMs = startedMs + (options.deadlineMs ?? CALL_DEADLINE_MS);
  }

  async settle(): Promise<TxnOutcome> {
    const txn = this.#txn;
    let maySendAgain = changesItsComparisons(txn);
    for (;;) {
      const read = await this.#call((options) => this.#read(options));
      if (read !== undefined) {
        const revision = revisionIfWritten(txn, read.after);
        if (revision !== undefined) return { done: true, revision };
        if (isRuledOut(txn, read)) return { done: false, entries: (txn.else ?? []).map((key) => read.after.get(key)) };
        if (!maySendAgain || !holds(txn, read)) throw this.#unknown();
        const outcome = await this.#call((options) => this.#sender.send(txn, options));
        // Not done says nothing of those that were sent before: it may be they that were first.
        if (outcome?.done === true) return outcome;
        if (isFinal(this.#cause)) maySendAgain = false;
      } else if (isFinal(this.#cause)) {
        throw this.#unknown();
      }
      await this.#pause();
    }
  }

  /** What is compared first: what is not there afterwards was not written before that. */
  async #read(options: CallOptions): Promise<FoundEntries> {
    const { if: comparisons, then: writes, else: others = [] } = this.#txn;
    const first = await readAll(this.#sender, comparisons.map(keyOf), options);
    return { first, after: await readAll(this.#sender, [...writes.map(keyOf), ...others], options) };
  }

  /** Undefined where it fails: whatever it says, an earlier attempt may have been carried out. */
  async #call<T>(run: (options: CallOptions) => Promise<T>): Promise<T | undefined> {
    const { clock, signal } = this.#options;
    const deadlineMs = this.#endMs - clock.nowMs();
    if (deadlineMs <= 0) throw this.#unknown();
    try {
      return await run({ signal, deadlineMs });
    } catch (cause) {
      signal.throwIfAborted();
      this.#cause = cause;
      return undefined;
    }
  }

  async #pause(): Promise<void> {
    const { clock, signal } = this.#options;
    const leftMs = this.#endMs - clock.nowMs();
    if (leftMs <= this.#pauseMs) throw this.#unknown();
    await sleep(clock, this.#pauseMs, signal);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #unknown(): RouterError {
    const keys = shortList([...new Set(this.#txn.then.map(keyOf))]);
    const last = this.#cause === undefined ? "" : `; the last that was heard: ${reasonOf(this.#cause)}`;
    const message = `the connection was lost while ${keys} was being written: it may or may not have been done${last}`;
    return new RouterError("STORE_UNKNOWN", message, { cause: this.#cause, hint: "read before writing again" });
  }
}

const KEYS_SHOWN = 3;

function shortList(keys: readonly string[]): string {
  const more = keys.length > KEYS_SHOWN ? ` and ${keys.length - KEYS_SHOWN} more` : "";
  return keys.slice(0, KEYS_SHOWN).join(", ") + more;
}

type Entries = ReadonlyMap<string, Entry | undefined>;

interface FoundEntries {
  /** What is compared. */
  readonly first: Entries;
  /** Read after it: what would be written, and what is to be told if it is not. */
  readonly after: Entries;
}

function keyOf({ key }: Compare | Write): string {
  return key;
}

async function readAll(sender: TxnSender, keys: readonly string[], options: CallOptions): Promise<Entries> {
  const unique = [...new Set(keys)];
  return new Map(await Promise.all(unique.map(async (key) => [key, await sender.get(key, options)] as const)));
}

/** Asking again does not help. */
function isFinal(cause: unknown): boolean {
  return cause instanceof RouterError && (cause.code === "STORE_REFUSED" || cause.code === "SESSION_LOST");
}

/** Whether it cannot be carried out twice. */
function changesItsComparisons({ if: comparisons, then: writes }: Txn): boolean {
  return comparisons.some((compare) => writes.some((write) => write.key === compare.key && breaks(write, compare)));
}

function breaks(write: Write, compare: Compare): boolean {
  switch (compare.kind) {
    case "absent":
      return write.kind === "put";
    case "modified":
      return true;
    case "created":
      return write.kind === "delete";
    default:
      return compare satisfies never;
  }
}

/** It can only be carried out after this revision. */
function newestCompared({ if: comparisons }: Txn): Revision {
  return comparisons.reduce((newest, compare) => {
    return compare.kind !== "absent" && compare.revision > newest ? compare.revision : newest;
  }, 0n);
}

/**
 * The revision of the transaction, if all that it puts is there, from one revision. What it only
 * deletes tells nothing when it is gone: others may have deleted it.
 */
function revisionIfWritten(txn: Txn, there: Entries): Revision | undefined {
  const newest = newestCompared(txn);
  let revision: Revision | undefined;
  for (const write of txn.then) {
    if (write.kind === "delete") continue;
    const entry = there.get(write.key);
    if (entry === undefined || entry.session !== write.session || entry.modified <= newest) return undefined;
    if (Buffer.compare(entry.value, write.value) !== 0) return undefined;
    if (revision !== undefined && entry.modified !== revision) return undefined;
    revision = entry.modified;
  }
  return revision;
}

/**
 * A revision that it compares has gone, and none comes back; and something that it would have
 * changed has stood since before it could be carried out.
 */
function isRuledOut(txn: Txn, { first, after }: FoundEntries): boolean {
  const newest = newestCompared(txn);
  const isGone = txn.if.some((compare) => compare.kind !== "absent" && !isTrue(compare, first.get(compare.key)));
  const stands = txn.then.some((write) => {
    const entry = after.get(write.key);
    if (entry === undefined) return false;
    return (write.kind === "put" ? entry.modified : entry.created) <= newest;
  });
  return isGone && stands;
}

/** As far as can be seen: nothing that it compares, or puts with a session, is somebody else's. */
function holds({ if: comparisons, then: writes }: Txn, { first, after }: FoundEntries): boolean {
  if (!comparisons.every((compare) => isTrue(compare, first.get(compare.key)))) return false;
  return writes.every((write) => {
    const owner = after.get(write.key)?.session;
    return write.kind === "delete" || write.session === undefined || owner === undefined || owner === write.session;
  });
}
