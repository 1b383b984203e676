import type { LedgerRow } from "../../src/core/snapshot.ts";

/** The numbers of several ledger rows, the reasons of each kind together. */
export interface LedgerTotals {
  readonly received: number;
  readonly copied: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly queued: number;
  readonly dropped: number;
  readonly shed: number;
  readonly lost: number;
}

/** Added up over the rows. */
export function totalsOf(rows: readonly LedgerRow[]): LedgerTotals {
  const add = (of: (row: LedgerRow) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  return {
    received: add((row) => row.received),
    copied: add((row) => row.copied),
    delivered: add((row) => row.delivered),
    rejected: add((row) => row.rejected),
    queued: add((row) => row.queued),
    dropped: add((row) => sumOf(row.dropped)),
    shed: add((row) => sumOf(row.shed)),
    lost: add((row) => sumOf(row.lost)),
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
