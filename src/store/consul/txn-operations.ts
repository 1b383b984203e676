import { Unreachable } from "../../core/unreachable.ts";
import { type Compare, type Entry, MAX_TXN_OPERATIONS, type Txn, type Write } from "../store.ts";
import { wireKey } from "./consul-keys.ts";

/** What had been read of the keys that `keysToRead` names when the operations were made. */
export type ReadBefore = ReadonlyMap<string, Entry | undefined>;

/** An operation of Consul's transactions, and what its failure says. */
export interface TxnOperation {
  readonly wire: Readonly<Record<string, string | number>>;
  /** `stale`: only that what was read before is not so any more, which is to be read again. */
  readonly failure: "not_done" | "stale";
}

/**
 * What came of operations once sent: `stale`: what was read before them is not so any more;
 * `unknown`: whether they were done; a number: they were, at this revision.
 */
export type Tried = "not_done" | "stale" | "unknown" | bigint;

/**
 * Consul compares a key's last write, but not when it came to be; and who writes a key that a
 * session holds without telling it leaves it with that session. Both take a look at the key first,
 * and an operation that fails when it was written since.
 */
export function keysToRead({ if: comparisons, then: writes }: Txn): string[] {
  const absent = new Set(comparisons.filter(({ kind }) => kind === "absent").map(({ key }) => key));
  const keys = new Set(comparisons.filter(({ kind }) => kind === "created").map(({ key }) => key));
  for (const write of writes) {
    if (write.kind === "put" && write.session === undefined && !absent.has(write.key)) keys.add(write.key);
  }
  return [...keys];
}

/** Undefined when a comparison does not hold by what was read. */
export function operationsOf(txn: Txn, read: ReadBefore, nonce: number): TxnOperation[] | undefined {
  const operations: TxnOperation[] = [];
  for (const compare of txn.if) {
    const operation = comparison(compare, read);
    if (operation === undefined) return undefined;
    operations.push(operation);
  }
  for (const write of txn.then) operations.push(writing(write, read, nonce));
  return withRevision(txn, operations, nonce);
}

/**
 * Consul does not tell at which index it has deleted something. It tells what it has written, even
 * if that is deleted by the operation after it.
 */
function withRevision(txn: Txn, operations: TxnOperation[], nonce: number): TxnOperation[] {
  const [write] = txn.then;
  if (write?.kind !== "delete" || hasPut(txn) || !isRevisionTold(txn)) return operations;
  const wire = { Verb: "set", Key: wireKey(write.key), Value: "", Flags: nonce };
  return operations.toSpliced(txn.if.length, 0, { wire, failure: "not_done" });
}

/**
 * Whether its answer says at which index it was carried out: only deletions leave room for that.
 */
export function isRevisionTold(txn: Txn): boolean {
  return txn.then.length === 0 || hasPut(txn) || txn.if.length + txn.then.length < MAX_TXN_OPERATIONS;
}

function hasPut({ then: writes }: Txn): boolean {
  return writes.some(({ kind }) => kind === "put");
}

function comparison(compare: Compare, read: ReadBefore): TxnOperation | undefined {
  const Key = wireKey(compare.key);
  switch (compare.kind) {
    case "absent":
      return { wire: { Verb: "check-not-exists", Key }, failure: "not_done" };
    case "modified":
      return { wire: { Verb: "check-index", Key, Index: Number(compare.revision) }, failure: "not_done" };
    case "created": {
      const entry = read.get(compare.key);
      if (entry?.created !== compare.revision) return undefined;
      return { wire: { Verb: "check-index", Key, Index: Number(entry.modified) }, failure: "stale" };
    }
    default:
      throw new Unreachable(compare satisfies never);
  }
}

function writing(write: Write, read: ReadBefore, nonce: number): TxnOperation {
  const Key = wireKey(write.key);
  if (write.kind === "delete") return { wire: { Verb: "delete", Key }, failure: "not_done" };
  const put = { Key, Value: Buffer.from(write.value).toString("base64"), Flags: nonce };
  if (write.session !== undefined) {
    return { wire: { Verb: "lock", ...put, Session: write.session }, failure: "not_done" };
  }
  // Not read: the transaction has compared that it is absent.
  if (!read.has(write.key)) return { wire: { Verb: "set", ...put }, failure: "not_done" };
  const entry = read.get(write.key);
  if (entry?.session !== undefined) {
    return { wire: { Verb: "unlock", ...put, Session: entry.session }, failure: "stale" };
  }
  return { wire: { Verb: "cas", ...put, Index: Number(entry?.modified ?? 0n) }, failure: "stale" };
}
