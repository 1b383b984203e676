import type { LedgerRow, MetricsSnapshot, SeriesSnapshot, Snapshot } from "../core/snapshot.ts";
import { type Ledger, MAX_ENTRIES } from "./ledger.ts";
import type { Merge, MetricSpec } from "./metric-spec.ts";
import { METRICS } from "./metric-table.ts";
import { type Counter, type Gauge, type Histogram, MAX_SERIES, type Metrics } from "./metrics.ts";
import { addPassed } from "./passed-requests.ts";

/** Everything that was counted in this process, as plain data. */
export function takeSnapshot({ metrics, ledger }: { readonly metrics: Metrics; readonly ledger: Ledger }): Snapshot {
  return { metrics: snapshotMetrics(metrics), ledger: ledger.snapshot() };
}

/**
 * What the load of a node is told by: as many rows and series for one rule and one service as for
 * ten thousand.
 */
export function takeSummary({ metrics, ledger }: { readonly metrics: Metrics; readonly ledger: Ledger }): Snapshot {
  const { requests: _requests, ledgerItems: _items, ledgerQueued: _queued, ...others } = metrics;
  return { metrics: snapshotMetrics(others), ledger: ledger.sums() };
}

export function snapshotMetrics(metrics: Partial<Metrics>): MetricsSnapshot {
  const families = Object.values(metrics).map(({ spec, series }) => {
    const all: SeriesSnapshot[] = [];
    for (const one of series.values()) all.push(seriesOf(one.labels, one.series));
    return [spec.name, all] as const;
  });
  return Object.fromEntries(families);
}

function seriesOf(labels: readonly string[], series: Counter | Gauge | Histogram): SeriesSnapshot {
  return "counts" in series
    ? { labels, value: series.sum, counts: [...series.counts] }
    : { labels, value: series.value };
}

/**
 * What a whole node counted: each metric adds up as the table says. The first snapshot is that of
 * the main process.
 */
export function addSnapshots(main: Snapshot, others: readonly Snapshot[]): Snapshot {
  const all = [main, ...others];
  return {
    metrics: addMetrics(all.map(({ metrics }) => metrics)),
    ledger: addLedgers(all.map(({ ledger }) => ledger)),
  };
}

function addMetrics([main, ...others]: readonly MetricsSnapshot[]): MetricsSnapshot {
  const families = Object.values<MetricSpec>(METRICS).map(({ name, merge }) => {
    const own = main?.[name] ?? [];
    const added = merge === "main" ? own : addSeries(merge, [own, ...others.map((one) => one[name] ?? [])]);
    return [name, added] as const;
  });
  return Object.fromEntries(families);
}

function addSeries(merge: Merge, all: readonly (readonly SeriesSnapshot[])[]): SeriesSnapshot[] {
  const sums = new Map<string, SeriesSnapshot>();
  for (const series of all) {
    for (const one of series) {
      const key = one.labels.join("\u0000");
      const known = sums.get(key);
      sums.set(key, known === undefined ? one : addOne(merge, known, one));
    }
  }
  return [...sums.values()];
}

function addOne(merge: Merge, a: SeriesSnapshot, b: SeriesSnapshot): SeriesSnapshot {
  const { labels } = a;
  const value = merge === "max" ? Math.max(a.value, b.value) : a.value + b.value;
  if (a.counts === undefined) return { labels, value };
  return { labels, value, counts: a.counts.map((count, i) => count + (b.counts?.[i] ?? 0)) };
}

function addLedgers(all: readonly (readonly LedgerRow[])[]): LedgerRow[] {
  const sums = new Map<string, LedgerRow>();
  for (const rows of all) {
    for (const row of rows) {
      const key = nameOf(row);
      const known = sums.get(key);
      sums.set(key, known === undefined ? row : addRows(known, row));
    }
  }
  return [...sums.values()];
}

function addRows(a: LedgerRow, b: LedgerRow): LedgerRow {
  const passed = addPassed(a.passed_through, b.passed_through);
  return {
    signal: a.signal,
    rule: a.rule,
    pool: a.pool,
    received: a.received + b.received,
    copied: a.copied + b.copied,
    delivered: a.delivered + b.delivered,
    rejected: a.rejected + b.rejected,
    dead_lettered: a.dead_lettered + b.dead_lettered,
    queued: a.queued + b.queued,
    acknowledged: a.acknowledged + b.acknowledged,
    dropped: addCounts(a.dropped, b.dropped),
    shed: addCounts(a.shed, b.shed),
    lost: addCounts(a.lost, b.lost),
    ...(passed && { passed_through: passed }),
  };
}

/**
 * What was told by its own name before: that is never counted under `other` later, whatever else
 * comes to it, for counters must not fall. Nothing is remembered of what is far from its bound.
 */
export class ToldNames {
  readonly #families = new Map<string, ReadonlySet<string>>();

  /** Those that are told by their names; undefined: all of them. */
  keep(family: string, names: readonly string[], max: number): ReadonlySet<string> | undefined {
    if (names.length * 2 <= max) {
      this.#families.delete(family);
      return undefined;
    }
    const before = this.#families.get(family);
    const kept = new Set(names.filter((name) => before?.has(name)));
    for (let i = 0; i < names.length && kept.size < max; i++) kept.add(names[i]!);
    this.#families.set(family, kept);
    return names.length > max ? kept : undefined;
  }
}

/**
 * Within the bounds of one process: what is beyond them is counted together under `other`, as it
 * would be there. Those that were told keep their names, and then the first ones.
 */
export function boundSnapshot({ metrics, ledger }: Snapshot, told = new ToldNames()): Snapshot {
  const families = Object.values<MetricSpec>(METRICS).map((spec) => {
    return [spec.name, boundSeries(spec, metrics[spec.name] ?? [], told)] as const;
  });
  return { metrics: Object.fromEntries(families), ledger: boundLedger(ledger, told) };
}

function boundSeries(
  { name, merge, maxSeries = MAX_SERIES }: MetricSpec,
  all: readonly SeriesSnapshot[],
  told: ToldNames,
): readonly SeriesSnapshot[] {
  const names = all.map(({ labels }) => labels.join("\u0000"));
  const kept = told.keep(name, names, maxSeries);
  if (kept === undefined) return all;
  const others = all.filter((_, i) => !kept.has(names[i]!));
  return addSeries(merge, [
    all.filter((_, i) => kept.has(names[i]!)),
    others.map((one) => ({ ...one, labels: one.labels.map(() => "other") })),
  ]);
}

function boundLedger(all: readonly LedgerRow[], told: ToldNames): readonly LedgerRow[] {
  const names = all.map(nameOf);
  const kept = told.keep("", names, MAX_ENTRIES);
  if (kept === undefined) return all;
  const others = all.filter((_, i) => !kept.has(names[i]!));
  return addLedgers([
    all.filter((_, i) => kept.has(names[i]!)),
    others.map((row) => ({ ...row, rule: "other", pool: "other" })),
  ]);
}

function nameOf({ signal, rule, pool }: LedgerRow): string {
  return `${signal}\u0000${rule}\u0000${pool}`;
}

type Counts = Readonly<Record<string, number>>;

function addCounts(a: Counts, b: Counts): Counts {
  const sums: Record<string, number> = { ...a };
  for (const [reason, items] of Object.entries(b)) sums[reason] = (sums[reason] ?? 0) + items;
  return sums;
}
