import type { Clock } from "../core/clock.ts";
import { accountedItems, sum, type Ledger, type LedgerEntry } from "./ledger.ts";
import { openLoopDelay } from "./loop-delay.ts";
import type { Gauge, Metrics } from "./metrics.ts";
import { createRssReader } from "./rss.ts";

/** Numbers that are not counted as things happen but looked up when somebody asks. */
export interface RuntimeMetrics extends Disposable {
  /** Brings them up to date; called before each exposition. */
  refresh(): void;
}

interface RuntimeOptions {
  readonly clock: Clock;
  readonly version: string;
  /** Without one its metrics are made elsewhere, of the rows of several processes. */
  readonly ledger?: Ledger;
}

const MICROSECONDS = 1e6;

/** Process metrics and the ledger's, from here on until disposed. */
export function openRuntimeMetrics(metrics: Metrics, { clock, version, ledger }: RuntimeOptions): RuntimeMetrics {
  const delay = openLoopDelay();
  let delaySeconds = 0;
  const startSeconds = clock.wallMs() / 1_000 - process.uptime();
  metrics.buildInfo.with(version, process.versions.node).read(() => 1);
  metrics.processMemory.with().read(createRssReader());
  metrics.processStart.with().read(() => startSeconds);
  metrics.eventLoopDelay.with().read(() => delaySeconds);
  return {
    refresh() {
      const { user, system } = process.cpuUsage();
      metrics.processCpu.with().value = (user + system) / MICROSECONDS;
      delaySeconds = delay.readMs() / 1_000;
      if (ledger !== undefined) exportLedger(metrics, ledger);
    },
    [Symbol.dispose]: () => delay[Symbol.dispose](),
  };
}

/**
 * Sets the ledger's series to its numbers. Zeroed or summed up first: above the bound several
 * entries add to one series `other`.
 */
export function exportLedger(metrics: Metrics, ledger: Ledger): void {
  for (const { series } of metrics.ledgerItems.series.values()) series.value = 0;
  const missing = new Map<string, number>();
  const queued = new Map<Gauge, number>();
  for (const entry of ledger.entries) {
    for (const [outcome, items] of outcomesOf(entry)) {
      const { signal, rule, pool } = entry;
      if (items > 0 || outcome === "received") metrics.ledgerItems.with(signal, rule, pool, outcome).add(items);
    }
    const taken = entry.received + entry.copied;
    missing.set(entry.signal, (missing.get(entry.signal) ?? 0) + taken - accountedItems(entry));
    const gauge = metrics.ledgerQueued.with(entry.signal, entry.rule, entry.pool);
    queued.set(gauge, (queued.get(gauge) ?? 0) + entry.queued);
  }
  for (const [gauge, items] of queued) gauge.read(() => items);
  for (const [signal, items] of missing) metrics.ledgerImbalance.with(signal).read(() => items);
}

function outcomesOf(entry: LedgerEntry): readonly (readonly [string, number])[] {
  return [
    ["received", entry.received],
    ["copied", entry.copied],
    ["delivered", entry.delivered],
    ["rejected", entry.rejected],
    ["dead_lettered", entry.deadLettered],
    ["dropped", sum(entry.dropped)],
    ["shed", sum(entry.shed)],
    ["lost", sum(entry.lost)],
  ];
}
