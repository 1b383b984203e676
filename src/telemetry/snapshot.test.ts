import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createLedger, type Ledger } from "./ledger.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { METRICS } from "./metric-table.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { PassedRequests } from "./passed-requests.ts";
import { addSnapshots, takeSnapshot } from "./snapshot.ts";

interface Counts {
  readonly metrics: Metrics;
  readonly ledger: Ledger;
}

const step = fc.record({
  process: fc.nat({ max: 2 }),
  label: fc.constantFrom("a", "b", "c"),
  amount: fc.nat({ max: 100_000 }),
  lost: fc.boolean(),
});

function open(): Counts {
  return { metrics: createMetrics(), ledger: createLedger() };
}

function count({ metrics, ledger }: Counts, { label, amount, lost }: { label: string; amount: number; lost: boolean }) {
  metrics.requests.with("eu", label).add(amount);
  metrics.batchSize.with(label).observe(amount);
  const entry = ledger.entry("traces", label, "p");
  entry.received += amount;
  if (amount % 2 === 1) {
    entry.passed ??= new PassedRequests();
    entry.passed.received++;
    entry.passed[lost ? "read" : "delivered"]++;
    entry.passed.bytes += amount;
  }
  if (lost) entry.lose("deadline", amount);
  else entry.delivered += amount;
}

test("whatever several processes count adds up to what one would have counted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [one, main, first, second] = [open(), open(), open(), open()];
      const processes = [main, first, second];
      for (const taken of steps) {
        count(one, taken);
        count(processes[taken.process]!, taken);
      }
      const sum = addSnapshots(takeSnapshot(main), [takeSnapshot(first), takeSnapshot(second)]);
      const wanted = takeSnapshot(one);
      for (const { name } of Object.values(METRICS))
        assert.deepEqual(sorted(sum.metrics[name]), sorted(wanted.metrics[name]));
      assert.deepEqual(sorted(sum.ledger), sorted(wanted.ledger));
    }),
  );
});

/** By their text: in what order series were seen first is nobody's business. */
function sorted(list: readonly unknown[] | undefined): string[] {
  return (list ?? []).map((one) => JSON.stringify(one)).toSorted();
}

test("a maximum is the largest, and what the main process tells is its own", () => {
  const [main, worker] = [open(), open()];
  main.metrics.configVersion.with().read(() => 7);
  worker.metrics.configVersion.with().read(() => 9);
  main.metrics.queueAge.with("p").read(() => 1);
  worker.metrics.queueAge.with("p").read(() => 3);
  worker.metrics.queueAge.with("q").read(() => 2);
  const { metrics } = addSnapshots(takeSnapshot(main), [takeSnapshot(worker)]);
  assert.deepEqual(metrics["signalbox_config_version"], [{ labels: [], value: 7 }]);
  assert.deepEqual(metrics["signalbox_queue_age_seconds"], [
    { labels: ["p"], value: 3 },
    { labels: ["q"], value: 2 },
  ]);
});

test("a snapshot is plain data: it is the same after a walk through JSON", () => {
  const counts = open();
  count(counts, { label: "a", amount: 3, lost: true });
  const snapshot = takeSnapshot(counts);
  assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
});

test("counters and histograms never take the maximum: the number of a node must not fall behind", () => {
  const wrong = Object.values<MetricSpec>(METRICS).filter(({ kind, merge }) => kind !== "gauge" && merge === "max");
  assert.deepEqual(wrong, []);
});
