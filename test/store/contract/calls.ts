import assert from "node:assert/strict";
import { type ErrorCode, RouterError } from "../../../src/core/errors.ts";
import type { Compare, Entry, Revision, StoreAdapter, Write } from "../../../src/store/store.ts";

/** Short forms for the tests of the contract. */

export function put(key: string, value: string | Uint8Array = "v", session?: string): Write {
  return { kind: "put", key, value: typeof value === "string" ? Buffer.from(value) : value, session };
}

export function remove(key: string): Write {
  return { kind: "delete", key };
}

export function absent(key: string): Compare {
  return { kind: "absent", key };
}

/** Writes without a comparison, and gives the revision. */
export async function write(store: StoreAdapter, writes: readonly Write[], signal: AbortSignal): Promise<Revision> {
  const outcome = await store.txn({ if: [], then: writes }, { signal });
  assert.ok(outcome.done, "a transaction without comparisons is carried out");
  return outcome.revision;
}

export async function read(store: StoreAdapter, key: string, signal: AbortSignal): Promise<Entry> {
  const entry = await store.get(key, { signal });
  assert.ok(entry, `${key} is there`);
  return entry;
}

export function textOf(entry: Pick<Entry, "value"> | undefined): string | undefined {
  return entry && Buffer.from(entry.value).toString();
}

/** What is the same however bytes are held. */
export function plain(entries: Iterable<Entry>): unknown[] {
  return Array.from(entries, (entry) => ({ ...entry, value: Buffer.from(entry.value).toString("hex") })).toSorted(
    (one, other) => (one.key < other.key ? -1 : 1),
  );
}

/** For `assert.rejects`. */
export function withCode(...codes: readonly ErrorCode[]): (cause: unknown) => boolean {
  return (cause) => {
    assert.ok(cause instanceof RouterError, `a RouterError: ${String(cause)}`);
    assert.ok(codes.includes(cause.code), `${cause.code} (${cause.message}) is one of ${codes.join(", ")}`);
    return true;
  };
}
