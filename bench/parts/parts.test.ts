import assert from "node:assert/strict";
import { test } from "node:test";
import { prepare } from "../../src/generate/generate.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { thresholdOf } from "../../src/otlp/threshold.ts";
import { KEPT } from "../case.ts";
import { countJsonItems } from "../json-items.ts";
import type { LoadCounts } from "../messages.ts";
import type { Window } from "../rig.ts";
import { CASES, caseNamed, WIRE_CASES } from "../cases.ts";
import { HAPROXY_TCP, NGINX } from "../peers.ts";
import { SIGNALBOX } from "../system.ts";
import { DIRECT, SHARES } from "./added-latency.ts";
import { sumOfSeries } from "./admin.ts";
import type { DeathsLoad, DeathsResult } from "./deaths.ts";
import { partMarks } from "./part-marks.ts";
import { partTable } from "./part-tables.ts";
import { LOADS, loadOf, NAMES } from "./protocols.ts";
import { startsOf } from "./series.ts";
import type { Series, SeriesResult } from "./series.ts";
import { SAMPLING } from "./stages.ts";
import type { StoresResult } from "./stores.ts";
import { WORKERS } from "./workers.ts";

const [ONE = "", TWO = ""] = WORKERS.map(({ name }) => name);
const WINDOW: Window = {
  windowMs: 1_000,
  sentItemsPerSecond: 100,
  itemsPerSecond: 100,
  requestsPerSecond: 1,
  cpuPercent: 50,
  itemsPerCpuSecond: 200,
  requestsPerCpuSecond: 2,
  bytesPerCpuSecond: 4_000_000,
  rssMiB: 1,
  peakRssMiB: 1,
  p50Ms: 1,
  p99Ms: 2,
  refused: {},
  failed: {},
  partial: 0,
  late: 0,
  generatorCpuPercent: 1,
  sinkCpuPercent: 1,
};
const COUNTS: LoadCounts = {
  durationMs: 1_000,
  sentRequests: 100,
  sentItems: 1_000,
  ackedRequests: 90,
  ackedItems: 900,
  partial: 0,
  refused: {},
  failed: {},
  late: 0,
  unanswered: 0,
  lostConnections: 4,
  latency: { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 },
  latencies: { buckets: [], sumMs: 0, maxMs: 0 },
};

test("bench marks: two workers are compared with one turn by turn", () => {
  const one = seriesOf("l", ONE, [{ itemsPerCpuSecond: 100 }, { itemsPerCpuSecond: 200 }]);
  const two = seriesOf("l", TWO, [{ itemsPerCpuSecond: 95 }, { itemsPerCpuSecond: 190 }]);
  const result: SeriesResult = { kind: "workers", series: [one, two], cores: undefined };
  assert.deepEqual(partMarks(result).map(outcome), ["at most 1.10: 1.05, held"]);
  assert.equal(partTable(result).rows[2]?.[6], "0.95 (0.95-0.95)");
});

test("bench marks: what two workers carry is a mark only where they have two cores", () => {
  const one = seriesOf("l", ONE, [{ itemsPerSecond: 100 }]);
  const two = seriesOf("l", TWO, [{ itemsPerSecond: 170 }]);
  const cores = { system: "0,1", others: "2,3", count: 2 };
  const marks = partMarks({ kind: "workers", series: [one, two], cores });
  assert.deepEqual(marks.map(outcome), ["at most 1.10: 1.00, held", "at least 1.80: 1.70, not held"]);
});

test("bench marks: p99 is compared with nginx's, as far as nginx carries the load", () => {
  const load = SHARES[0]!.load;
  const marksBeside = (nginx: Partial<Window>): string[] => {
    const series = [
      seriesOf(load, DIRECT, [{ p99Ms: 1 }]),
      seriesOf(load, SIGNALBOX.name, [{ p99Ms: 6 }]),
      seriesOf(load, NGINX.name, [{ p99Ms: 3, ...nginx }]),
    ];
    return [1, 2].flatMap((count) => {
      const cores = { system: "0", others: "1", count };
      return partMarks({ kind: "latency", series, cores }).map(outcome);
    });
  };
  assert.deepEqual(marksBeside({}), ["at most 4.00 ms: 3.00 ms, held", "at most 1.00 ms: 3.00 ms, not held"]);
  assert.deepEqual(marksBeside({ itemsPerSecond: 50 }), []);
});

test("bench marks: a killed worker's own calls and connections may be lost, and nothing else", () => {
  const calm = deathsOf({ failed: { "connection lost": 9 } });
  assert.deepEqual(
    partMarks(calm).map(({ held }) => held),
    [true, true, true, true],
  );
  const refused = deathsOf({ failed: { "connection lost": 9 }, refused: { 14: 1 } });
  const more = deathsOf({ lostConnections: 5 });
  for (const result of [refused, more]) {
    assert.deepEqual(
      partMarks(result).map(({ held }) => held),
      [true, false, true, true],
    );
  }
  const hanging = deathsOf({}, { open: 7 });
  assert.deepEqual(
    partMarks(hanging).map(({ held }) => held),
    [true, true, false, true],
  );
});

test("bench marks: spans per CPU-second are compared with the proxy's, and the goal is told", () => {
  const load = caseNamed("wire-10").title;
  const marksAt = (own: number): string[] => {
    const series = [
      seriesOf(load, HAPROXY_TCP.name, [{ itemsPerCpuSecond: 100 }, { itemsPerCpuSecond: 200 }]),
      seriesOf(load, SIGNALBOX.name, [{ itemsPerCpuSecond: own }, { itemsPerCpuSecond: 2 * own }]),
    ];
    return partMarks({ kind: "wire", series, cores: undefined }).map(outcome);
  };
  assert.deepEqual(marksAt(65), ["at least 0.65, goal 0.80: 0.65, held"]);
  assert.deepEqual(marksAt(64), ["at least 0.65, goal 0.80: 0.64, not held"]);
});

test("bench marks: each protocol is held to its share of gRPC at the same number of connections", () => {
  const at = (load: string, name: string, itemsPerCpuSecond: number): Series =>
    seriesOf(load, name, [{ itemsPerCpuSecond }]);
  const [many, few] = [loadOf(LOADS.many, 10), loadOf(LOADS.few, 10)];
  const [gzip, json] = [loadOf(LOADS.gzip, 100), loadOf(LOADS.json, 100)];
  const series = [
    at(many, NAMES.grpc, 100),
    at(many, NAMES.httpIn, 85),
    at(many, NAMES.httpBoth, 84),
    at(few, NAMES.grpc, 50),
    at(few, NAMES.pipelined, 45),
    at(few, NAMES.tls, 37),
    at(gzip, NAMES.gzip, 700_000),
    at(json, NAMES.parsing, 100),
    at(json, NAMES.transcoding, 59),
  ];
  assert.deepEqual(partMarks({ kind: "protocols", series, cores: undefined }).map(outcome), [
    "at least 85 %: 85 %, held",
    "at least 85 %: 84 %, not held",
    "at least 90 %: 90 %, held",
    "at least 75 %: 74 %, not held",
    "at least 0.70 M: 0.70 M, held",
    "at least 60 %: 59 %, not held",
  ]);
});

test("bench marks: sampling is compared with keeping everything", () => {
  const series = [
    seriesOf("l", SAMPLING.none, [{ itemsPerCpuSecond: 100 }]),
    seriesOf("l", SAMPLING.tenth, [{ itemsPerCpuSecond: 99 }]),
    seriesOf("l", SAMPLING.marked, [{ itemsPerCpuSecond: 80 }]),
    seriesOf("l", SAMPLING.span, [{ itemsPerCpuSecond: 85 }]),
  ];
  assert.deepEqual(partMarks({ kind: "sampling", series, cores: undefined }).map(outcome), [
    "at least 100 %: 99 %, not held",
    "at least 80 %: 80 %, held",
    "at least 85 %: 85 %, held",
  ]);
});

test("bench cases: what is kept and marked has a threshold to be written", () => {
  assert.equal(thresholdOf(KEPT.marked).text, "0001");
});

test("bench cases: names are all different, and loads of the marks have 32 calls", () => {
  const all = [...CASES, ...WIRE_CASES];
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const run of WIRE_CASES) assert.equal(run.connections * run.streams, 32, run.name);
  for (const name of ["logs-100", "metrics-http-100", "logs-rule-item"]) assert.equal(caseNamed(name).name, name);
});

test("bench sinks: items of a request in JSON are counted", () => {
  const options = {
    items: 30,
    resources: 3,
    services: ["a", "b"],
    firstService: 0,
    seed: 1,
    wallMs: 1_750_000_000_000,
  };
  for (const signal of SIGNALS) {
    assert.equal(countJsonItems(Buffer.from(prepare(signal, "json", options).bytes)), 30, signal);
  }
  assert.equal(countJsonItems(Buffer.from("{}")), 0);
});

test("bench parts: the windows of a part are spread over four starts", () => {
  assert.deepEqual(startsOf(20), { starts: 4, turns: 5 });
  assert.deepEqual(startsOf(2), { starts: 2, turns: 1 });
  assert.deepEqual(startsOf(6), { starts: 4, turns: 2 });
});

test("bench parts: a metric is the sum of its series", () => {
  const text = '# TYPE a gauge\na{worker="1"} 5\na{worker="2"} 1e3\na_total 7\nb 9\n';
  assert.equal(sumOfSeries(text, "a"), 1_005);
  assert.equal(sumOfSeries(text, "b"), 9);
  assert.equal(sumOfSeries(text, "c"), undefined);
});

test("bench parts: figures of a store that could not be had are left out, and why is told", () => {
  const rates = { inFlight: 32, puts: 1_234, txns: 500, gets: 9_000 };
  const had = { lag: { writes: 9, p50Ms: 1.5, p99Ms: 20 }, bytesPerWatch: 4_600, handOverMs: 20, takeOverMs: 3_140 };
  const missing = { lag: undefined, bytesPerWatch: undefined, handOverMs: undefined, takeOverMs: undefined };
  const result: StoresResult = {
    kind: "stores",
    system: SIGNALBOX.name,
    watches: 1_000,
    stores: [
      { store: "embedded", version: "1", rates: [{ ...rates, inFlight: 1 }, rates], ...had },
      { store: "etcd", version: "2", rates: [rates], ...missing },
    ],
    notes: ["etcd, watches: it has ended"],
  };
  const { rows, notes } = partTable(result);
  assert.deepEqual(rows[1]?.slice(2, 5), ["1,234", "1,234", "500"]);
  assert.deepEqual(rows[1].slice(8), ["1.50", "20.00", "4.6", "20.00", "3.1"]);
  assert.deepEqual(rows[2]?.slice(2, 4), ["-", "1,234"]);
  assert.deepEqual(rows[2].slice(8), ["-", "-", "-", "-", "-"]);
  assert.equal(notes.at(-1), "etcd, watches: it has ended");
  assert.deepEqual(partMarks(result), []);
});

function seriesOf(load: string, system: string, windows: readonly Partial<Window>[]): Series {
  return {
    load,
    system,
    windows: windows.map((window) => ({ ...WINDOW, ...window })),
    allThere: true,
    outBytesPerItem: 1,
  };
}

function deathsOf(counts: Partial<LoadCounts>, more: Partial<DeathsLoad> = {}): DeathsResult {
  const load: DeathsLoad = { protocol: "grpc", connections: 8, open: 8, unanswered: 0, counts: COUNTS, ...more };
  const check = {
    acknowledgedItems: 900,
    arrivedItems: 910,
    duplicates: 0,
    unanswered: 0,
    shares: [910],
    arrivedBytes: 9_100,
    ok: true,
  };
  return {
    kind: "deaths",
    system: SIGNALBOX.name,
    seconds: 5,
    deaths: [{ worker: 1, connections: 4, awayMs: 300 }],
    reloads: 1,
    loads: [{ ...load, counts: { ...COUNTS, ...counts } }],
    check,
    ledger: { balanced: true, entries: [] },
    restarts: 1,
  };
}

function outcome({ mark, measured, held }: { mark: string; measured: string; held: boolean }): string {
  return `${mark}: ${measured}, ${held ? "held" : "not held"}`;
}
