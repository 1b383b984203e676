import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { loadOf, reportOf } from "../../../test/support/fleet/reports.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import { type CollectorReport, ReportSchema } from "../fleet/messages.ts";
import { CollectorTable, collectorTimes } from "./collector-table.ts";
import { mergeNumbers, noNumbers } from "./fleet-numbers.ts";
import {
  type FleetNumbers,
  FleetNumbersSchema,
  MAX_NAMES,
  MAX_SUMMARY_BYTES,
  MAX_WORST,
  RegionSummarySchema,
} from "./region-summary.ts";
import { numbersOf } from "./summarise.ts";

function tableWith(reports: readonly CollectorReport[]): CollectorTable {
  const table = new CollectorTable({ ...collectorTimes(5_000), most: 100_000 });
  for (const report of reports) table.report(report, 0);
  return table;
}

function numbersWith(reports: readonly CollectorReport[]): FleetNumbers {
  return numbersOf(tableWith(reports));
}

test("numbers: sums, maxima, counts, and averages that are weighted by items", () => {
  const numbers = numbersWith([
    reportOf("a", {
      version: "1.2",
      load: loadOf({ items_per_second: 900, latency_ms: 10, cpu: 0.5, error_rate: 0.1 }),
    }),
    reportOf("b", {
      version: "1.2",
      load: loadOf({ items_per_second: 100, latency_ms: 110, cpu: 0.7, sampling_rate: 0.5 }),
    }),
    reportOf("c", { version: "1.3", health: { state: "unhealthy", reason: "queue is full" } }),
  ]);
  assert.deepEqual(numbers.versions, { "1.2": 2, "1.3": 1 });
  assert.deepEqual(numbers.health, { unknown: 2, unhealthy: 1 });
  assert.deepEqual(numbers.states, { live: 3 });
  assert.deepEqual([numbers.collectors, numbers.items_per_second, numbers.max_cpu], [3, 1_000, 0.7]);
  const { latency_weight, failed_items_per_second, sampled_items_per_second } = numbers;
  assert.deepEqual([latency_weight, failed_items_per_second, sampled_items_per_second], [20_000, 90, 950]);
  assert.deepEqual(
    numbers.worst.map(({ id, state }) => [id, state]),
    [
      ["c", "unhealthy"],
      ["a", "live"],
      ["b", "live"],
    ],
  );
});

test("numbers: load, now and as it is expected, is weighted by what each can carry, or as 1", () => {
  const numbers = numbersWith([
    reportOf("a", {
      capacity: { items_per_second: 300 },
      load: loadOf({ utilization: 0.5 }),
      forecast_utilization: 0.75,
    }),
    reportOf("b", { capacity: { items_per_second: 100 }, load: loadOf({ utilization: 0.25 }) }),
    reportOf("c", { load: loadOf({ utilization: 1 }), forecast_utilization: 2 }),
  ]);
  const { load_capacity, load_weight, forecast_weight } = numbers;
  assert.deepEqual([load_capacity, load_weight, forecast_weight], [401, 176, 252]);
});

test("numbers: what a suspect said last is no load any more", () => {
  const table = tableWith([reportOf("a", { load: loadOf({ items_per_second: 50 }) })]);
  for (let nowMs = 1_000; nowMs <= 12_000; nowMs += 1_000) table.tick(nowMs);
  const numbers = numbersOf(table);
  assert.deepEqual([numbers.collectors, numbers.items_per_second, numbers.states], [1, 0, { suspect: 1 }]);
});

const reports = fc.array(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 3 }).map((text) => `n${Buffer.from(text).toString("hex")}`),
    items: fc.integer({ min: 0, max: 1_000 }),
    latency: fc.integer({ min: 0, max: 5_000 }),
    utilization: fc.integer({ min: 0, max: 4 }).map((quarter) => quarter / 4),
    version: fc.constantFrom("1", "2", "3"),
    state: fc.constantFrom("healthy" as const, "unhealthy" as const),
  }),
  { maxLength: 40 },
);

test("numbers: those of two halves of a region, merged in either order, are those of the whole", () => {
  fc.assert(
    fc.property(reports, fc.nat(40), (all, at) => {
      const unique = [...new Map(all.map((one) => [one.id, one])).values()].map(
        ({ id, items, latency, utilization, version, state }) =>
          reportOf(id, {
            version,
            health: { state, reason: "" },
            load: loadOf({ items_per_second: items, latency_ms: latency, utilization }),
          }),
      );
      const [first, second] = [numbersWith(unique.slice(0, at)), numbersWith(unique.slice(at))];
      const whole = numbersWith(unique);
      // Sums are written with six digits.
      const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) <= 1e-5 * Math.abs(b), `${a} is not ${b}`);
      for (const merged of [mergeNumbers(first, second), mergeNumbers(second, first)]) {
        near(merged.latency_weight, whole.latency_weight);
        assert.deepEqual({ ...merged, latency_weight: 0 }, { ...whole, latency_weight: 0 });
      }
      assert.deepEqual(mergeNumbers(whole, noNumbers()), whole);
    }),
    { numRuns: 100 },
  );
});

test("numbers: more names than are kept apart are counted as other, and none is lost", () => {
  const numbers = numbersWith(
    Array.from({ length: 100 }, (_, at) => reportOf(`n${at}`, { version: at < 50 ? "common" : `v${at}` })),
  );
  const merged = mergeNumbers(numbers, numbers);
  assert.equal(Object.keys(merged.versions).length, MAX_NAMES + 1);
  assert.equal(merged.versions["common"], 100);
  assert.equal(
    Object.values(merged.versions).reduce((sum, count) => sum + count, 0),
    200,
  );
});

test("numbers: a summary is below 8 KiB however many collectors there are and whatever they say", () => {
  // Six bytes each, where JSON is written.
  const wide = "\u0001".repeat(250);
  const worst = Array.from({ length: 5_000 }, (_, at) =>
    ReportSchema.parse({
      id: `${"n".repeat(120)}${String(at).padStart(8, "0")}`,
      region: "eu",
      incarnation: "one",
      seq: 1,
      version: `${at} ${wide}`.slice(0, 256),
      health: { state: at % 2 === 0 ? "unhealthy" : "healthy", reason: wide.slice(0, 200) },
      config: { version: 1_000_000_000 + at, result: at % 3 === 0 ? "refused" : "running" },
      load: { items_per_second: 1e300 / 3, latency_ms: 1e9 / 7, utilization: 1 / 3, error_rate: 2 / 3, cpu: 1 / 7 },
    }),
  );
  const numbers = numbersWith(worst);
  const summary = {
    schema: 1,
    region: "r".repeat(121),
    controller: "c".repeat(128),
    epoch: "999999999.999999999999999999",
    seq: 1e15,
    adopted: true,
    observed_at: "2026-11-29T00:00:00.000Z",
    view_digest: "0".repeat(16),
    numbers,
  };
  const bytes = writeJson(summary);
  assert.ok(bytes.length <= MAX_SUMMARY_BYTES, `${bytes.length} bytes`);
  assert.equal(numbers.worst.length, MAX_WORST);
  const read = RegionSummarySchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  assert.deepEqual(read.numbers.versions, numbers.versions);
  const merged = mergeNumbers(numbers, numbers);
  assert.ok(writeJson({ ...summary, numbers: merged }).length <= MAX_SUMMARY_BYTES);
});

test("numbers: what a later version writes besides, or in another way, does not keep the rest from being read", () => {
  const read = FleetNumbersSchema.parse({
    collectors: 3,
    cpu_hours: 7,
    versions: { "1": 3 },
    utilization: [1, 2],
    worst: "none",
  });
  assert.deepEqual([read.collectors, read.versions, read.worst], [3, { "1": 3 }, []]);
  assert.deepEqual(read.utilization, noNumbers().utilization);
});
