import { RouterError } from "../../core/errors.ts";
import { isTrue } from "../compare.ts";
import type { Entry, Txn, TxnOutcome, Write } from "../store.ts";
import type { Opened } from "./store-file.ts";

type Put = Extract<Write, { kind: "put" }>;

/** Within a transaction of the file. Throws `SESSION_LOST`, and then nothing is written. */
export function carryOut({ tables, leases, writer }: Opened, txn: Txn, nowMs: number): TxnOutcome {
  const puts = txn.then.filter((write) => write.kind === "put");
  const deletes = txn.then.filter((write) => write.kind === "delete").map(({ key }) => key);
  const mayBe =
    txn.if.every((compare) => isTrue(compare, tables.entry(compare.key))) &&
    puts.every((put) => mayPut(put, tables.entry(put.key)));
  if (!mayBe) return { done: false, entries: (txn.else ?? []).map((key) => tables.entry(key)) };
  for (const { key, session } of puts) {
    if (session === undefined || leases.find(session) !== undefined) continue;
    throw new RouterError("SESSION_LOST", `${key} was to be put with session ${session}, which has ended`);
  }
  const entries = puts.map(({ key, value, session }) => ({ key, value, session }));
  return { done: true, revision: writer.write(entries, deletes, nowMs) };
}

function mayPut({ session }: Put, entry: Entry | undefined): boolean {
  return session === undefined || entry?.session === undefined || entry.session === session;
}
