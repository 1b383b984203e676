import { RouterError } from "../core/errors.ts";
import type { CallOptions, Compare, Entry, Revision, Txn, TxnOutcome, Write } from "./store.ts";

/** A transaction sent once, whose outcome may get lost on the way. */
export interface TxnSender {
  /** Undefined: nobody knows. Throws what says for certain that nothing was written. */
  send(txn: Txn, options: CallOptions): Promise<TxnOutcome | undefined>;
  get(key: string, options: CallOptions): Promise<Entry | undefined>;
}

/**
 * Carries a transaction out once. When its outcome gets lost, what it would have written is read:
 * is all of it there, it was carried out; do its comparisons still hold, it is sent again, which is
 * safe because at most one of two such transactions can find them so; else it was not, and somebody
 * else was first. A transaction that would leave its own comparisons true cannot be told from one
 * that was not carried out, and is not sent again: `STORE_UNKNOWN`.
 */
export async function settle(sender: TxnSender, txn: Txn, options: CallOptions): Promise<TxnOutcome> {
  const maySendAgain = changesItsComparisons(txn);
  for (;;) {
    const outcome = await sender.send(txn, options);
    if (outcome !== undefined) return outcome;
    const there = await readAll(sender, txn, options);
    const revision = revisionIfWritten(txn, there);
    if (revision !== undefined) return { done: true, revision };
    if (!holds(txn, there)) return { done: false, entries: (txn.else ?? []).map((key) => there.get(key)) };
    if (!maySendAgain) throw new RouterError("STORE_UNKNOWN", unknown(txn), { hint: "read before writing again" });
  }
}

function unknown(txn: Txn): string {
  const keys = txn.then.map(({ key }) => key).join(", ");
  return `the connection was lost while ${keys} was being written: it may or may not have been done`;
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

async function readAll(sender: TxnSender, txn: Txn, options: CallOptions): Promise<Map<string, Entry | undefined>> {
  const keys = new Set([...txn.if, ...txn.then].map(({ key }) => key).concat(txn.else ?? []));
  const entries = await Promise.all([...keys].map(async (key) => [key, await sender.get(key, options)] as const));
  return new Map(entries);
}

/** The revision of the transaction, if all that it writes is there; 0 if it only deletes. */
function revisionIfWritten({ then: writes }: Txn, there: ReadonlyMap<string, Entry | undefined>): Revision | undefined {
  let revision = 0n;
  for (const write of writes) {
    const entry = there.get(write.key);
    if (write.kind === "delete") {
      if (entry !== undefined) return undefined;
      continue;
    }
    if (entry === undefined || entry.session !== write.session) return undefined;
    if (Buffer.compare(entry.value, write.value) !== 0) return undefined;
    if (entry.modified > revision) revision = entry.modified;
  }
  return revision;
}

function holds({ if: comparisons }: Txn, there: ReadonlyMap<string, Entry | undefined>): boolean {
  return comparisons.every((compare) => {
    const entry = there.get(compare.key);
    if (compare.kind === "absent") return entry === undefined;
    return compare.kind === "created" ? entry?.created === compare.revision : entry?.modified === compare.revision;
  });
}
