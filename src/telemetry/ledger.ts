import type { Reason } from "../core/reason.ts";
import type { LedgerRow } from "../core/snapshot.ts";

/** Why items were left out although everything worked. */
export const DROP_REASONS = ["sampled", "unrouted"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/**
 * What became of the items of one signal that one rule sent to one pool. The data plane keeps the
 * entry and adds to its numbers, once for each parcel. Invariant: received + copied = all the
 * others together, at every moment.
 */
export interface LedgerEntry {
  readonly signal: string;
  readonly rule: string;
  readonly pool: string;
  /** Items as senders sent them, each counted once. */
  received: number;
  /** Further copies of items that were received: by `mode: copy`. */
  copied: number;
  delivered: number;
  /** Refused for good by a target. */
  rejected: number;
  deadLettered: number;
  /** In the pool's queue or on their way to a target. The one number that also falls. */
  queued: number;
  readonly dropped: Map<DropReason, number>;
  /** Refused, and the sender was told so. */
  readonly shed: Map<Reason, number>;
  /** Given up after the sender had been told that all is well. */
  readonly lost: Map<Reason, number>;
  /** By sampling, or because no rule wants it. */
  drop(reason: DropReason, items: number): void;
  shedItems(reason: Reason, items: number): void;
  lose(reason: Reason, items: number): void;
}

export interface Balance {
  readonly signal: string;
  /** received + copied */
  readonly taken: number;
  /** delivered + dropped + shed + rejected + dead-lettered + lost + queued */
  readonly accounted: number;
  readonly balanced: boolean;
}

/** The conservation ledger of a process: nothing disappears without a name. */
export interface Ledger {
  /**
   * Always the same object for the same three names. Entries of rules and pools that are gone stay
   * and stay counted; above the bound new names share the entry `other` of their signal.
   */
  entry(signal: string, rule: string, pool: string): LedgerEntry;
  readonly entries: Iterable<LedgerEntry>;
  /** One for each signal that was ever named, sorted. */
  balance(): readonly Balance[];
  snapshot(): readonly LedgerRow[];
}

/** 10,000 rules for three signals, and some that are gone; an entry takes about 400 bytes. */
const MAX_ENTRIES = 50_000;

export function createLedger(maxEntries: number = MAX_ENTRIES): Ledger {
  const entries: LedgerEntry[] = [];
  /**
   * By signal, rule and pool: it is asked for each record, and no key is to be put together for
   * that.
   */
  const known = new Map<string, Map<string, Map<string, LedgerEntry>>>();
  const open = (signal: string, rule: string, pool: string): LedgerEntry => {
    const rules = getOr(known, signal, () => new Map<string, Map<string, LedgerEntry>>());
    const pools = getOr(rules, rule, () => new Map<string, LedgerEntry>());
    return getOr(pools, pool, () => {
      const entry = new LedgerCounts(signal, rule, pool);
      entries.push(entry);
      return entry;
    });
  };
  return {
    entry(signal, rule, pool) {
      const entry = known.get(signal)?.get(rule)?.get(pool);
      if (entry !== undefined) return entry;
      return entries.length < maxEntries ? open(signal, rule, pool) : open(signal, "other", "other");
    },
    entries,
    balance: () => balanceOf(entries.map(rowOf)),
    snapshot: () => entries.map(rowOf),
  };
}

function getOr<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

/** One for each signal that is named, sorted. */
export function balanceOf(rows: readonly LedgerRow[]): Balance[] {
  const sides = new Map<string, { taken: number; accounted: number }>();
  for (const row of rows) {
    const side = sides.get(row.signal) ?? { taken: 0, accounted: 0 };
    side.taken += row.received + row.copied;
    side.accounted += accountedInRow(row);
    sides.set(row.signal, side);
  }
  return [...sides]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([signal, { taken, accounted }]) => ({ signal, taken, accounted, balanced: taken === accounted }));
}

/** As {@link accountedItems}. */
function accountedInRow({
  delivered,
  rejected,
  dead_lettered: deadLettered,
  queued,
  dropped,
  shed,
  lost,
}: LedgerRow): number {
  const named = [dropped, shed, lost].flatMap((counts) => Object.values(counts));
  return named.reduce((total, items) => total + items, delivered + rejected + deadLettered + queued);
}

/** Items that left the entry, and those still in it. */
export function accountedItems(entry: LedgerEntry): number {
  const named = sum(entry.dropped) + sum(entry.shed) + sum(entry.lost);
  return entry.delivered + entry.rejected + entry.deadLettered + entry.queued + named;
}

/** All of one map of reasons. */
export function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

class LedgerCounts implements LedgerEntry {
  received = 0;
  copied = 0;
  delivered = 0;
  rejected = 0;
  deadLettered = 0;
  queued = 0;
  readonly dropped = new Map<DropReason, number>();
  readonly shed = new Map<Reason, number>();
  readonly lost = new Map<Reason, number>();
  readonly signal: string;
  readonly rule: string;
  readonly pool: string;
  constructor(signal: string, rule: string, pool: string) {
    this.signal = signal;
    this.rule = rule;
    this.pool = pool;
  }
  drop(reason: DropReason, items: number): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + items);
  }
  shedItems(reason: Reason, items: number): void {
    this.shed.set(reason, (this.shed.get(reason) ?? 0) + items);
  }
  lose(reason: Reason, items: number): void {
    this.lost.set(reason, (this.lost.get(reason) ?? 0) + items);
  }
}

function rowOf(entry: LedgerEntry): LedgerRow {
  const { signal, rule, pool, received, copied, delivered, rejected, queued } = entry;
  const named = {
    dropped: Object.fromEntries(entry.dropped),
    shed: Object.fromEntries(entry.shed),
    lost: Object.fromEntries(entry.lost),
  };
  return {
    signal,
    rule,
    pool,
    received,
    copied,
    delivered,
    rejected,
    dead_lettered: entry.deadLettered,
    queued,
    ...named,
  };
}
