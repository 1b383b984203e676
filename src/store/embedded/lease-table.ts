import { readFileSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Lease } from "../lease.ts";

/**
 * Leases as rows. Their times are the machine's monotonic ones, which no setting of a clock moves
 * and which all its processes share; they begin anew with the machine. So a lease has ended when
 * its time is over, or when it was renewed before the machine started again: who held it is gone.
 * Where no boot can be told from another (not Linux), one of the past has ended when its renewal
 * lies in the future; else it may live for as long as it could have, after its last renewal.
 */
export class LeaseTable {
  readonly #ended: StatementSync;
  readonly #find: StatementSync;
  readonly #set: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#ended = database.prepare("SELECT id FROM leases WHERE ends_ms <= ?1 OR renewed_ms > ?1 OR boot <> ?2");
    this.#find = database.prepare("SELECT ttl_ms FROM leases WHERE id = ?");
    this.#set = database.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)");
    this.#remove = database.prepare("DELETE FROM leases WHERE id = ?");
  }

  /** Those that have ended and whose entries are to be deleted. */
  ended(nowMs: number): string[] {
    return this.#ended.all(nowMs, BOOT).map(({ id }) => String(id));
  }

  hasEnded(nowMs: number): boolean {
    return this.#ended.get(nowMs, BOOT) !== undefined;
  }

  find(id: string): Lease | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : { id, ttlMs: Number(row["ttl_ms"]) };
  }

  /** From now on, for its whole TTL. */
  begin({ id, ttlMs }: Lease, nowMs: number): void {
    this.#set.run(id, ttlMs, BOOT, nowMs, nowMs + ttlMs);
  }

  remove(id: string): void {
    this.#remove.run(id);
  }
}

const BOOT = readBoot();

function readBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}
