import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeriesSnapshot, Snapshot } from "../../core/snapshot.ts";
import { balanceOf, createLedger } from "../../telemetry/ledger.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { exportLedger } from "../../telemetry/runtime.ts";
import { PassedRequests } from "../../telemetry/passed-requests.ts";
import { addSnapshots, takeSnapshot } from "../../telemetry/snapshot.ts";
import { addRemains, NodeTotals, NOTHING, remainsOf, withLedger } from "./totals.ts";

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
  late.passed = Object.assign(new PassedRequests(), { received: 3, shed: 1, queued: 2 });
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
  const { received, shed, queued } = late?.passed_through ?? {};
  assert.deepEqual([received, shed, queued], [3, 3, 0]);
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

/** What a worker counted under these names, so much of each. */
function countedBy(names: readonly string[], times: number): Snapshot {
  const counts = { metrics: createMetrics(), ledger: createLedger() };
  for (const name of names) {
    counts.metrics.poolRetries.with(name, "reset").add(times);
    const entry = counts.ledger.entry("traces", name, "p");
    entry.received += times;
    entry.delivered += times;
  }
  return takeSnapshot(counts);
}

function namesFrom(first: number, last: number): string[] {
  return Array.from({ length: last - first }, (_, i) => `n${first + i}`);
}

const RETRIES = "signalbox_pool_retries_total";

test("the sum of workers is bounded as one process is: what is beyond is counted under other", () => {
  const main = takeSnapshot({ metrics: createMetrics(), ledger: createLedger() });
  const workers = [countedBy(namesFrom(0, 1_500), 2), countedBy(namesFrom(1_000, 2_500), 3)];
  const { metrics } = new NodeTotals().add(main, workers);
  const series = metrics[RETRIES] ?? [];
  assert.equal(series.length, 2_001);
  const sum = (list: readonly SeriesSnapshot[]): number => list.reduce((all, { value }) => all + value, 0);
  assert.equal(sum(series), 1_500 * 2 + 1_500 * 3);
  assert.deepEqual(series.find(({ labels }) => labels[0] === "n1200")?.value, 5);
  assert.deepEqual(series.find(({ labels }) => labels[0] === "other")?.value, 500 * 3);
});

test("the sum of workers: as many rules as each may have are no more series than one process has", () => {
  const main = takeSnapshot({ metrics: createMetrics(), ledger: createLedger() });
  const workers = [countedBy(namesFrom(0, 15_000), 1), countedBy(namesFrom(15_000, 30_000), 1)];
  const { metrics, ledger } = new NodeTotals().add(main, workers);
  assert.equal(ledger.length, 30_000);
  const items = metrics["signalbox_ledger_items_total"] ?? [];
  assert.equal(items.length, 20_001);
  assert.equal(
    items.reduce((all, { value }) => all + value, 0),
    60_000,
  );
});

test("the sum of workers: what was told by its name is told by it again, whatever a worker counts besides", () => {
  const main = takeSnapshot({ metrics: createMetrics(), ledger: createLedger() });
  const totals = new NodeTotals();
  const second = countedBy(namesFrom(1_000, 2_000), 3);
  const valueOf = ({ metrics }: Snapshot, name: string): number | undefined =>
    metrics[RETRIES]?.find(({ labels }) => labels[0] === name)?.value;
  assert.equal(valueOf(totals.add(main, [countedBy(namesFrom(0, 1_000), 2), second]), "n1999"), 3);
  const more = totals.add(main, [countedBy([...namesFrom(0, 1_000), ...namesFrom(5_000, 5_500)], 2), second]);
  assert.deepEqual([valueOf(more, "n1999"), valueOf(more, "n5000"), valueOf(more, "other")], [3, undefined, 1_000]);
  assert.equal(more.metrics[RETRIES]?.length, 2_001);
});

function texts(list: readonly unknown[] | undefined): string[] {
  return (list ?? []).map((one) => JSON.stringify(one)).toSorted();
}
