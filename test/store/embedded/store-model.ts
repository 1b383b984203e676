import type { Compare, Entry, Revision, Txn, TxnOutcome } from "../../../src/store/store.ts";
import { plain } from "../contract/calls.ts";

/** What a store is to do, in the fewest words. */
export class StoreModel {
  readonly entries = new Map<string, Entry>();
  revision: Revision = 0n;
  readonly #leases = new Map<string, { readonly ttlMs: number; endsMs: number }>();

  plain(): unknown[] {
    return plain(this.entries.values());
  }

  grant(id: string, ttlMs: number, nowMs: number): void {
    this.endLeases(nowMs);
    this.#leases.set(id, { ttlMs, endsMs: nowMs + ttlMs });
  }

  renew(id: string, nowMs: number): boolean {
    this.endLeases(nowMs);
    const lease = this.#leases.get(id);
    if (lease !== undefined) lease.endsMs = nowMs + lease.ttlMs;
    return lease !== undefined;
  }

  revoke(id: string, nowMs: number): void {
    this.endLeases(nowMs);
    this.#end(id);
  }

  endLeases(nowMs: number): void {
    for (const [id, { endsMs }] of this.#leases) if (endsMs <= nowMs) this.#end(id);
  }

  txn({ if: comparisons, then: writes, else: reads = [] }: Txn): TxnOutcome | "SESSION_LOST" {
    const puts = writes.filter((write) => write.kind === "put");
    const mayBe =
      comparisons.every((compare) => this.#holds(compare)) &&
      puts.every(({ key, session }) => {
        const holder = this.entries.get(key)?.session;
        return session === undefined || holder === undefined || holder === session;
      });
    if (!mayBe) return { done: false, entries: reads.map((key) => this.entries.get(key)) };
    if (puts.some(({ session }) => session !== undefined && !this.#leases.has(session))) return "SESSION_LOST";
    const revision = this.revision + 1n;
    for (const { key, value, session } of puts) {
      const created = this.entries.get(key)?.created ?? revision;
      this.entries.set(key, { key, value, created, modified: revision, session });
      this.revision = revision;
    }
    for (const write of writes) {
      if (write.kind === "delete" && this.entries.delete(write.key)) this.revision = revision;
    }
    return { done: true, revision: this.revision };
  }

  #end(id: string): void {
    this.#leases.delete(id);
    const gone = [...this.entries.values()].filter(({ session }) => session === id);
    for (const { key } of gone) this.entries.delete(key);
    if (gone.length > 0) this.revision += 1n;
  }

  #holds(compare: Compare): boolean {
    const entry = this.entries.get(compare.key);
    if (compare.kind === "absent") return entry === undefined;
    return entry?.[compare.kind] === compare.revision;
  }
}
