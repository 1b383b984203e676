import assert from "node:assert/strict";
import test from "node:test";
import type { LedgerRow, Snapshot } from "../../core/snapshot.ts";
import { createMetrics, type Metrics } from "../../telemetry/metrics.ts";
import { snapshotMetrics } from "../../telemetry/snapshot.ts";
import { ReceivedReader } from "./received-reader.ts";
import { NOTHING_SPENT, samplingReport, SamplingReportSchema } from "./sampling-report.ts";

const EMPTY = { queued: 0, acknowledged: 0, rejected: 0, dead_lettered: 0, dropped: {}, shed: {}, lost: {} };

function receive(metrics: Metrics, name: string, octave: string, items: number, kept: number): void {
  metrics.samplingReceivedItems.with("traces", name, octave).add(items);
  metrics.samplingReceivedBytes.with("traces", name, octave).add(100 * items);
  metrics.samplingReceivedTraces.with("traces", name, octave).add(items / 10);
  metrics.samplingReceivedAdjusted.with("traces", name, octave).add(items * 4);
  metrics.samplingReceivedKept.with("traces", name, octave).add(kept);
}

/** So many items left sampling, each for `copies` pools, and all have arrived there. */
function rowsOf(left: number, copies: number): LedgerRow[] {
  const rule = { signal: "traces", pool: "p", ...EMPTY };
  const copied = left * (copies - 1);
  return [
    { ...rule, rule: "r", received: left, copied, delivered: left + copied },
    { ...rule, rule: "(class rest)", received: 900, copied: 0, delivered: 0, dropped: { sampled: 900 } },
    { ...rule, signal: "metrics", rule: "m", received: 5, copied: 0, delivered: 5 },
  ];
}

function snapshotOf(metrics: Metrics, ledger: readonly LedgerRow[]): Snapshot {
  return { metrics: snapshotMetrics(metrics), ledger };
}

test("reader: what was received of each class and octave since the start, with how often it was delivered", () => {
  const metrics = createMetrics();
  const reader = new ReceivedReader("run-1");
  receive(metrics, "rest", "2", 1_000, 100);
  receive(metrics, "high", "none", 10, 10);
  const { report, spent } = reader.read(snapshotOf(metrics, rowsOf(110, 2)), 1_000);
  assert.deepEqual([report.run, report.atMs], ["run-1", 1_000]);
  assert.deepEqual(
    report.counts.find((one) => one.class === "rest"),
    {
      signal: "traces",
      class: "rest",
      octave: 2,
      items: 1_000,
      bytes: 100_000,
      traces: 100,
      adjusted: 4_000,
      kept: 100,
      delivered: 200,
    },
  );
  assert.equal(report.counts.find((one) => one.class === "high")?.octave, undefined);
  assert.deepEqual(spent, { traces: { items: 220, bytes: 22_000 }, logs: { items: 0, bytes: 0 } });
});

test("reader: each reading goes on from the one before, and what is delivered late is charged when it is", () => {
  const metrics = createMetrics();
  const reader = new ReceivedReader("run-1");
  receive(metrics, "rest", "0", 1_000, 100);
  const waiting = rowsOf(100, 1).map((row) => ({ ...row, delivered: 0 }));
  assert.equal(reader.read(snapshotOf(metrics, waiting), 1_000).spent.traces.items, 0);
  receive(metrics, "rest", "0", 1_000, 100);
  const { report, spent } = reader.read(snapshotOf(metrics, rowsOf(200, 1)), 2_000);
  assert.deepEqual([report.counts[0]?.items, report.counts[0]?.delivered], [2_000, 200]);
  assert.deepEqual(spent.traces, { items: 200, bytes: 20_000 });
});

test("reader: a Report tells of all series that a node has, and of what is beyond nothing is made up", () => {
  const metrics = createMetrics();
  const reader = new ReceivedReader("run-1");
  for (let i = 0; i < 1_100; i++) receive(metrics, `class-${i}`, "0", 10, 1);
  const reading = reader.read(snapshotOf(metrics, []), 1_000);
  const report = samplingReport(reading, NOTHING_SPENT);
  assert.deepEqual([reading.report.counts.length, report.counts.length], [1_000, 1_000]);
  assert.equal(SamplingReportSchema.safeParse(report).error, undefined);
});
