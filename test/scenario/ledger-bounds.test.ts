import assert from "node:assert/strict";
import { test } from "node:test";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { exportLedger } from "../../src/telemetry/runtime.ts";

/** More than there are series for. */
const RULES = 21_000;

test("metrics of more rules than there may be series: what is counted together still balances, scrape after scrape", () => {
  const ledger = createLedger();
  const metrics = createMetrics();
  for (let scrape = 1; scrape <= 2; scrape++) {
    for (let i = 0; i < RULES; i++) {
      const entry = ledger.entry("traces", `r${i}`, "p");
      entry.received += 2;
      entry.queued += 2;
    }
    exportLedger(metrics, ledger);
    const totals: Record<string, number> = { queued: 0 };
    for (const { labels, series } of metrics.ledgerItems.series.values()) {
      const outcome = labels[3]!;
      totals[outcome] = (totals[outcome] ?? 0) + series.value;
    }
    for (const { series } of metrics.ledgerQueued.series.values()) totals["queued"]! += series.value;
    const received = (totals["received"] ?? 0) + (totals["other"] ?? 0);
    assert.deepEqual([received, totals["queued"]], [2 * RULES * scrape, 2 * RULES * scrape]);
  }
});
