import assert from "node:assert/strict";
import { test } from "node:test";
import { balanceOf, createLedger } from "../../telemetry/ledger.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { exportLedger } from "../../telemetry/runtime.ts";
import { addSnapshots, takeSnapshot } from "../../telemetry/snapshot.ts";
import { addRemains, NOTHING, remainsOf, withLedger } from "./totals.ts";

function counted() {
  const counts = { metrics: createMetrics(), ledger: createLedger() };
  const early = counts.ledger.entry("traces", "r", "early");
  early.received += 9;
  early.delivered += 4;
  early.shedItems("queue_full", 2);
  early.queued += 3;
  early.acknowledged += 3;
  const late = counts.ledger.entry("logs", "r", "late");
  late.received += 5;
  late.queued += 5;
  const changed = counts.ledger.entry("logs", "r", "changed");
  changed.received += 7;
  changed.queued += 7;
  changed.acknowledged += 2;
  counts.metrics.requests.with("eu", "s").add(7);
  counts.metrics.lostItems.with("deadline").add(1);
  counts.metrics.batchSize.with("eu").observe(3);
  counts.metrics.queueBytes.with("early").read(() => 100);
  exportLedger(counts.metrics, counts.ledger);
  return counts;
}

test("what a worker that is gone had counted goes on; what it held ends, and what it measured is no more", () => {
  const remains = remainsOf(takeSnapshot(counted()));
  const [early, late, changed] = remains.ledger;
  assert.deepEqual([early?.lost, early?.shed, early?.queued], [{ worker_died: 3 }, { queue_full: 2 }, 0]);
  assert.deepEqual([late?.lost, late?.shed, late?.queued], [{}, { worker_died: 5 }, 0]);
  assert.deepEqual(
    [changed?.lost, changed?.shed, changed?.queued],
    [{ worker_died: 2 }, { worker_died: 5 }, 0],
    "of one pool, some were acknowledged before its config was changed",
  );
  assert.ok(balanceOf(remains.ledger).every(({ balanced }) => balanced));
  const { metrics } = addSnapshots(NOTHING, [remains]);
  assert.deepEqual(metrics["otlp_requests_total"], [{ labels: ["eu", "s"], value: 7 }]);
  assert.equal(metrics["otlp_batch_size"]?.[0]?.value, 3);
  assert.deepEqual(metrics["signalbox_queue_bytes"], []);
  const lost = new Map((metrics["signalbox_lost_items_total"] ?? []).map(({ labels, value }) => [labels[0], value]));
  assert.deepEqual([lost.get("deadline"), lost.get("worker_died")], [1, 5]);
});

test("the ledger's metrics say what its rows say, as those of one process do", () => {
  const snapshot = takeSnapshot(counted());
  const { metrics } = withLedger({ ...snapshot, metrics: {} });
  for (const name of [
    "signalbox_ledger_items_total",
    "signalbox_ledger_queued_items",
    "signalbox_ledger_imbalance_items",
  ]) {
    assert.deepEqual(texts(metrics[name]), texts(snapshot.metrics[name]));
  }
});

test("what workers counted that are gone is bounded, however many configs they had: nothing is uncounted", () => {
  const [deaths, rules] = [7, 10_000];
  let gone = NOTHING;
  for (let death = 0; death < deaths; death++) {
    const counts = { metrics: createMetrics(), ledger: createLedger() };
    for (let i = 0; i < rules; i++) {
      const entry = counts.ledger.entry("traces", `r${death}.${i}`, "p");
      entry.received += 2;
      entry.delivered += 1;
      entry.queued += 1;
      entry.acknowledged += 1;
      counts.metrics.exportSends.with(`t${death}.${i}`, "accepted").add(1);
    }
    gone = addRemains(gone, takeSnapshot(counts));
  }
  const series = gone.metrics["signalbox_export_sends_total"] ?? [];
  assert.ok(gone.ledger.length <= 50_001, `${gone.ledger.length} rows`);
  assert.ok(series.length <= 2_001, `${series.length} series`);
  assert.deepEqual([gone.ledger[0]?.rule, series[0]?.labels], ["r0.0", ["t0.0", "accepted"]]);
  const other = gone.ledger.find(({ rule }) => rule === "other");
  const [all, named] = [deaths * rules, 50_000];
  assert.deepEqual(
    [other?.received, other?.delivered, other?.lost],
    [2 * (all - named), all - named, { worker_died: all - named }],
  );
  assert.deepEqual(balanceOf(gone.ledger), [{ signal: "traces", taken: 2 * all, accounted: 2 * all, balanced: true }]);
  assert.equal(
    series.reduce((sum, { value }) => sum + value, 0),
    all,
  );
});

function texts(list: readonly unknown[] | undefined): string[] {
  return (list ?? []).map((one) => JSON.stringify(one)).toSorted();
}
