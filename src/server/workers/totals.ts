import type { LedgerRow, MetricsSnapshot, SeriesSnapshot, Snapshot } from "../../core/snapshot.ts";
import type { MetricSpec } from "../../telemetry/metric-spec.ts";
import { METRICS } from "../../telemetry/metric-table.ts";
import { addSnapshots, boundSnapshot, ToldNames } from "../../telemetry/snapshot.ts";

/** Nothing counted. */
export const NOTHING: Snapshot = { metrics: {}, ledger: [] };

/**
 * What remains of a worker that is gone: counters never fall, so what it counted goes on being
 * told; what it measured is gone with it. What it still held ends here: lost where its sender had
 * been told that all is well, otherwise refused with the connection that it came by.
 */
export function remainsOf(last: Snapshot): Snapshot {
  const ledger = last.ledger.map((row) => endPassed(row.queued === 0 ? row : endQueued(row)));
  const lost = last.ledger.reduce((sum, row) => sum + row.acknowledged, 0);
  const counters = Object.values<MetricSpec>(METRICS).filter(({ kind }) => kind !== "gauge");
  const metrics = Object.fromEntries(counters.map(({ name }) => [name, last.metrics[name] ?? []]));
  if (lost === 0) return { metrics, ledger };
  const { name } = METRICS.lostItems;
  const more: MetricsSnapshot = { [name]: [{ labels: [DIED], value: lost }] };
  return { ...addSnapshots({ metrics, ledger: [] }, [{ metrics: more, ledger: [] }]), ledger };
}

/**
 * The same added to what remains of others. Workers die without end, under one config after
 * another: what they counted is kept within the bounds of one process.
 */
export function addRemains(others: Snapshot, last: Snapshot): Snapshot {
  return boundSnapshot(addSnapshots(others, [remainsOf(last)]));
}

/**
 * What all processes of a node counted, with what remains of others: within the bounds of one
 * process, and with names that stay.
 */
export class NodeTotals {
  readonly #told = new ToldNames();

  /** The first is what the main process counted. */
  add(main: Snapshot, workers: readonly Snapshot[]): Snapshot {
    return boundSnapshot(withLedger(addSnapshots(main, workers)), this.#told);
  }
}

const DIED = "worker_died";

function endQueued(row: LedgerRow): LedgerRow {
  const { queued, acknowledged } = row;
  const [shed, lost] = [addDied(row.shed, queued - acknowledged), addDied(row.lost, acknowledged)];
  return { ...row, queued: 0, acknowledged: 0, shed, lost };
}

/** Somebody waited for each of them. */
function endPassed(row: LedgerRow): LedgerRow {
  const passed = row.passed_through;
  if (passed === undefined || passed.queued === 0) return row;
  return { ...row, passed_through: { ...passed, queued: 0, shed: passed.shed + passed.queued } };
}

function addDied(counts: LedgerRow["lost"], items: number): LedgerRow["lost"] {
  return items === 0 ? counts : { ...counts, [DIED]: (counts[DIED] ?? 0) + items };
}

/**
 * The ledger's metrics, made of its rows: those of several processes and of what remained of others
 * say the same then.
 */
export function withLedger({ metrics, ledger }: Snapshot): Snapshot {
  const items: SeriesSnapshot[] = [];
  const queued: SeriesSnapshot[] = [];
  const missing = new Map<string, number>();
  for (const row of ledger) {
    const { signal, rule, pool } = row;
    let accounted = row.queued;
    for (const [outcome, value] of outcomesOf(row)) {
      if (value > 0 || outcome === "received") items.push({ labels: [signal, rule, pool, outcome], value });
      accounted += outcome === "received" || outcome === "copied" ? -value : value;
    }
    queued.push({ labels: [signal, rule, pool], value: row.queued });
    missing.set(signal, (missing.get(signal) ?? 0) - accounted);
  }
  const imbalance = Array.from(missing, ([signal, value]) => ({ labels: [signal], value: value + 0 }));
  const own = {
    [METRICS.ledgerItems.name]: items,
    [METRICS.ledgerQueued.name]: queued,
    [METRICS.ledgerImbalance.name]: imbalance,
  };
  return { metrics: { ...metrics, ...own }, ledger };
}

function outcomesOf(row: LedgerRow): readonly (readonly [string, number])[] {
  return [
    ["received", row.received],
    ["copied", row.copied],
    ["delivered", row.delivered],
    ["rejected", row.rejected],
    ["dead_lettered", row.dead_lettered],
    ["dropped", sumOf(row.dropped)],
    ["shed", sumOf(row.shed)],
    ["lost", sumOf(row.lost)],
  ];
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
