import type { Reason } from "../core/reason.ts";
import type { LedgerRow } from "../core/snapshot.ts";
import { missingPassed, type PassedRequests, passedRowOf } from "./passed-requests.ts";

/** Why items were left out although everything worked. */
export const DROP_REASONS = ["sampled", "unrouted"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/**
 * What became of the items of one signal that one rule sent to one pool. The data plane keeps the
 * entry and adds to its numbers, once for each parcel. Invariant: received + copied = all the
 * others together, at every moment.
 */
export class LedgerEntry {
  // What each parcel adds to stands together: 10,000 entries are in no cache of the processor's.
  /** Items as senders sent them, each counted once. */
  received = 0;
  /** In the pool's queue or on their way to a target. The one number that also falls. */
  queued = 0;
  delivered = 0;
  /** Further copies of items that were received: by `mode: copy`. */
  copied = 0;
  /** Of those that are queued, those whose sender was told already that all is well. */
  acknowledged = 0;
  /** Refused for good by a target. */
  rejected = 0;
  deadLettered = 0;
  #dropped: Map<DropReason, number> | undefined = undefined;
  #shed: Map<Reason, number> | undefined = undefined;
  #lost: Map<Reason, number> | undefined = undefined;
  /** What passed unread, which is in none of the above; undefined while nothing did. */
  passed: PassedRequests | undefined = undefined;
  readonly signal: string;
  readonly rule: string;
  readonly pool: string;

  constructor(signal: string, rule: string, pool: string) {
    this.signal = signal;
    this.rule = rule;
    this.pool = pool;
  }

  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped ?? NONE;
  }

  /** Refused, and the sender was told so. */
  get shed(): ReadonlyMap<Reason, number> {
    return this.#shed ?? NONE;
  }

  /** Given up after the sender had been told that all is well. */
  get lost(): ReadonlyMap<Reason, number> {
    return this.#lost ?? NONE;
  }

  /** Items come in; `copied`: what they are copies of went its own way. */
  receive(items: number, copied: boolean): void {
    if (copied) this.copied += items;
    else this.received += items;
  }

  /** By sampling, or because no rule wants it. */
  drop(reason: DropReason, items: number): void {
    this.#dropped = counted(this.#dropped, reason, items);
  }

  shedItems(reason: Reason, items: number): void {
    this.#shed = counted(this.#shed, reason, items);
  }

  /** What another one has is counted here, too. */
  add(other: LedgerEntry): void {
    this.received += other.received;
    this.copied += other.copied;
    this.delivered += other.delivered;
    this.rejected += other.rejected;
    this.deadLettered += other.deadLettered;
    this.queued += other.queued;
    this.acknowledged += other.acknowledged;
    for (const [reason, items] of other.dropped) this.drop(reason, items);
    for (const [reason, items] of other.shed) this.shedItems(reason, items);
    for (const [reason, items] of other.lost) this.lose(reason, items);
  }

  lose(reason: Reason, items: number): void {
    this.#lost = counted(this.#lost, reason, items);
  }
}

/** Of most entries nothing is dropped, shed or lost: three maps would be 500 bytes of each. */
const NONE: ReadonlyMap<never, number> = new Map<never, number>();

function counted<Name>(counts: Map<Name, number> | undefined, name: Name, items: number): Map<Name, number> {
  const sums = counts ?? new Map<Name, number>();
  return sums.set(name, (sums.get(name) ?? 0) + items);
}

interface Balance {
  readonly signal: string;
  /** received + copied */
  readonly taken: number;
  /** delivered + dropped + shed + rejected + dead-lettered + lost + queued */
  readonly accounted: number;
  /** Both are the same, and no request that passed unread is missing. */
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
  /** As many rows for each signal, however many rules there are: see `sumEntries`. */
  sums(): readonly LedgerRow[];
}

/** 10,000 rules for three signals, and some that are gone; an entry takes about 200 bytes. */
export const MAX_ENTRIES = 50_000;

export function createLedger(maxEntries: number = MAX_ENTRIES): Ledger {
  const entries: LedgerEntry[] = [];
  /**
   * By signal, rule and pool: it is asked for each record, and no key is to be put together for
   * that.
   */
  const known = new Map<string, Map<string, OfRule>>();
  const open = (signal: string, rule: string, pool: string): LedgerEntry => {
    const rules = getOr(known, signal, () => new Map<string, OfRule>());
    const others = rules.get(rule);
    const there = others && inPool(others, pool);
    if (there !== undefined) return there;
    const entry = new LedgerEntry(signal, rule, pool);
    entries.push(entry);
    rules.set(rule, others === undefined ? entry : withEntry(others, entry));
    return entry;
  };
  return {
    entry(signal, rule, pool) {
      const its = known.get(signal)?.get(rule);
      const entry = its && inPool(its, pool);
      if (entry !== undefined) return entry;
      return entries.length < maxEntries ? open(signal, rule, pool) : open(signal, "other", "other");
    },
    entries,
    balance: () => balanceOf(entries.map(rowOf)),
    snapshot: () => entries.map(rowOf),
    sums: () => sumEntries(entries),
  };
}

/** By pool; most rules have one for as long as the process runs: then it is that entry itself. */
type OfRule = LedgerEntry | Map<string, LedgerEntry>;

function inPool(its: OfRule, pool: string): LedgerEntry | undefined {
  if (!(its instanceof LedgerEntry)) return its.get(pool);
  return its.pool === pool ? its : undefined;
}

function withEntry(others: OfRule, entry: LedgerEntry): Map<string, LedgerEntry> {
  const pools = others instanceof LedgerEntry ? new Map([[others.pool, others]]) : others;
  return pools.set(entry.pool, entry);
}

/** What sampling has dropped has rows of its own, and so do its sums. */
export const CLASS_RULE = "(class ";

/**
 * Sums by signal: of classes of sampling, of what received nothing, which only copies, and of all
 * else.
 */
function sumEntries(entries: readonly LedgerEntry[]): LedgerRow[] {
  const sums = new Map<string, Map<string, LedgerEntry>>();
  for (const entry of entries) {
    const { signal, rule, received } = entry;
    const name = rule.startsWith(CLASS_RULE) ? `${CLASS_RULE}sums)` : received === 0 ? "(copies)" : "(rules)";
    const its = getOr(sums, signal, () => new Map<string, LedgerEntry>());
    getOr(its, name, () => new LedgerEntry(signal, name, name)).add(entry);
  }
  return [...sums.values()].flatMap((its) => [...its.values()].map(rowOf));
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
  const sides = new Map<string, { taken: number; accounted: number; missing: number }>();
  for (const row of rows) {
    const side = sides.get(row.signal) ?? { taken: 0, accounted: 0, missing: 0 };
    side.taken += row.received + row.copied;
    side.accounted += accountedInRow(row);
    if (row.passed_through !== undefined) side.missing += missingPassed(row.passed_through);
    sides.set(row.signal, side);
  }
  return [...sides]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([signal, { taken, accounted, missing }]) => {
      return { signal, taken, accounted, balanced: taken === accounted && missing === 0 };
    });
}

/** Items that left a row, and those still in it. */
function accountedInRow({ dropped, shed, lost, ...row }: LedgerRow): number {
  const named = [dropped, shed, lost].flatMap((counts) => Object.values(counts));
  return named.reduce((total, items) => total + items, row.delivered + row.rejected + row.dead_lettered + row.queued);
}

/** The same of an entry. */
export function accountedItems(entry: LedgerEntry): number {
  return accountedInRow(rowOf(entry));
}

/** All of one map of reasons. */
export function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

function rowOf(entry: LedgerEntry): LedgerRow {
  const { signal, rule, pool, received, copied, delivered, rejected, deadLettered, queued, acknowledged } = entry;
  const left = { delivered, rejected, dead_lettered: deadLettered, queued, acknowledged };
  const [dropped, shed, lost] = [countsOf(entry.dropped), countsOf(entry.shed), countsOf(entry.lost)];
  const passed = entry.passed && { passed_through: passedRowOf(entry.passed) };
  return { signal, rule, pool, received, copied, ...left, dropped, shed, lost, ...passed };
}

function countsOf(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return counts.size === 0 ? NO_COUNTS : Object.fromEntries(counts);
}

const NO_COUNTS: Readonly<Record<string, number>> = Object.freeze({});
