import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { createLedger } from "./ledger.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { METRICS } from "./metric-table.ts";
import { createMetrics } from "./metrics.ts";
import { exposition, expositionChunks } from "./prometheus.ts";
import { openRuntimeMetrics } from "./runtime.ts";
import { snapshotMetrics } from "./snapshot.ts";

const SPECS: readonly MetricSpec[] = Object.values<MetricSpec>(METRICS);

function linesOf(text: string, name: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(name) || line.includes(` ${name} `));
}

test("the page in pieces is the page; a long one has many", async () => {
  const metrics = createMetrics();
  for (let i = 0; i < 300; i++) metrics.exportSends.with(`target-${i}`, "accepted").add(i);
  const snapshot = snapshotMetrics(metrics);
  const pieces: Uint8Array[] = [];
  for await (const piece of expositionChunks(snapshot)) pieces.push(piece);
  assert.equal(Buffer.concat(pieces).toString(), exposition(snapshot));
  assert.ok(pieces.length > 1 && pieces.every(({ length }) => length < 100_000), `${pieces.length} pieces`);
});

test("a histogram is cumulative, ends at +Inf and agrees with its count and sum", () => {
  const metrics = createMetrics();
  for (const items of [1, 2, 2, 70_000]) metrics.batchSize.with("eu").observe(items);
  const lines = linesOf(exposition(snapshotMetrics(metrics)), "otlp_batch_size");
  assert.deepEqual(lines.slice(0, 4), [
    "# HELP otlp_batch_size Items in each batch that was sent to a target.",
    "# TYPE otlp_batch_size histogram",
    'otlp_batch_size_bucket{region="eu",le="1"} 1',
    'otlp_batch_size_bucket{region="eu",le="2"} 3',
  ]);
  assert.deepEqual(lines.slice(-3), [
    'otlp_batch_size_bucket{region="eu",le="+Inf"} 4',
    'otlp_batch_size_sum{region="eu"} 70005',
    'otlp_batch_size_count{region="eu"} 4',
  ]);
});

test("labels are escaped: backslash, quote and line feed", () => {
  const metrics = createMetrics();
  metrics.requests.with("eu", 'a\\b"c\nd').add(1);
  const line = linesOf(exposition(snapshotMetrics(metrics)), "otlp_requests_total").at(-1);
  assert.equal(line, String.raw`otlp_requests_total{region="eu",service="a\\b\"c\nd"} 1`);
});

test("counters that are declared so are there from zero", () => {
  const text = exposition(snapshotMetrics(createMetrics()));
  assert.ok(text.includes('\nsignalbox_config_applies_total{result="invalid"} 0\n'));
  assert.ok(text.includes("\nsignalbox_process_cpu_seconds_total 0\n"));
});

test("every line is HELP, TYPE or a sample, each family once, and the text ends with a line feed", () => {
  const metrics = createMetrics();
  using runtime = openRuntimeMetrics(metrics, { clock: new ManualClock(), version: "1.2.3", ledger: createLedger() });
  runtime.refresh();
  const text = exposition(snapshotMetrics(metrics));
  assert.ok(text.endsWith("\n"));
  const sample = /^[a-z_][a-z0-9_]*(\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)$/u;
  for (const line of text.trimEnd().split("\n"))
    assert.ok(/^# (HELP|TYPE) [a-z0-9_]+ .+$/u.test(line) || sample.test(line), line);
  assert.equal(text.match(/^# TYPE /gmu)?.length, SPECS.length);
  assert.ok(text.includes(`signalbox_build_info{version="1.2.3",node_version="${process.versions.node}"} 1\n`));
  assert.ok(metrics.processMemory.with().value > 1_000_000);
  assert.ok(metrics.processCpu.with().value > 0);
});

test("table: names are unique", () => {
  assert.equal(new Set(SPECS.map(({ name }) => name)).size, SPECS.length);
});

for (const spec of SPECS) {
  test(`table: ${spec.name} is well-formed`, () => {
    assert.match(spec.name, /^(otlp|signalbox)_[a-z0-9]+(_[a-z0-9]+)*$/u);
    assert.equal(spec.name.endsWith("_total"), spec.kind === "counter", "_total is for counters, and for all of them");
    assert.match(spec.help, /^[A-Z1-9].*\.$/su, "help is a sentence");
    assert.ok(spec.unit.length > 0);
    for (const label of spec.labels) assert.match(label, /^(?!le$|__)[a-z][a-z0-9_]*$/u);
    assert.equal(new Set(spec.labels).size, spec.labels.length);
    for (const values of spec.always ?? []) assert.equal(values.length, spec.labels.length);
    assert.equal(spec.buckets !== undefined, spec.kind === "histogram");
    for (const [i, bound] of (spec.buckets ?? []).entries())
      assert.ok(i === 0 || bound > (spec.buckets?.[i - 1] ?? bound));
  });
}
