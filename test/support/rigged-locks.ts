import { RouterError } from "../../src/core/errors.ts";
import { listLocks } from "../../src/store/recipes/lock-list.ts";
import { createLock, type Lock, type LockGuard } from "../../src/store/recipes/lock.ts";
import type { Txn, TxnOutcome } from "../../src/store/store.ts";
import type { RiggedStore } from "./rigged-store.ts";

export const NEVER = new AbortController().signal;

export function lockOf(store: RiggedStore, holder: string): Lock {
  return createLock(store.place, "jobs", { holder });
}

export function take(store: RiggedStore, holder = "a"): Promise<LockGuard> {
  return store.pass(lockOf(store, holder).acquire({ signal: NEVER }));
}

export interface Waiting {
  readonly held: Promise<LockGuard>;
}

/** Waits in the queue: its key is there. */
export async function queueUp(store: RiggedStore, holder: string, signal = NEVER): Promise<Waiting> {
  const before = (await store.entries()).length;
  const held = lockOf(store, holder).acquire({ signal });
  held.catch(() => undefined);
  await store.until(async () => (await store.entries()).length > before);
  await store.settle();
  return { held };
}

/** Who has the lock and who waits for it, in words. */
export async function queue(store: RiggedStore): Promise<string> {
  const { seats } = await store.pass(listLocks(store.place, { signal: NEVER }));
  return seats.map(({ name, holder, waiting }) => `${name}: ${holder ?? "-"} < ${waiting.join()}`).join("; ");
}

export function put(key: string): Txn {
  return { if: [], then: [{ kind: "put", key: `/test/${key}`, value: Buffer.from("x") }] };
}

export function guarded(guard: LockGuard, txn: Txn = put("work")): Promise<TxnOutcome> {
  return guard.guarded(txn, { signal: NEVER });
}

export function isCode(code: string): (cause: unknown) => boolean {
  return (cause) => cause instanceof RouterError && cause.code === code;
}

export async function keysLeft(store: RiggedStore): Promise<string[]> {
  return (await store.entries()).map(({ key }) => key);
}
