import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Config } from "../../src/config/schema/config.ts";
import { trySampling } from "../../src/control/sampling/try-sampling.ts";
import { degradationSettings } from "../../src/control/degradation/degradation-settings.ts";
import { fallbackOf } from "../../src/control/sampling/written-sampling.ts";
import { compile } from "../../src/plan/compile.ts";
import { compileLimitOf } from "../../src/plan/limits/limits-plan.ts";
import type { ReceivedRow } from "../../src/plan/sampling/received.ts";
import { keptItems } from "../../src/plan/sampling/class-rate.ts";
import { loadText } from "../config/load-text.ts";
import { exampleWith, readExample } from "./example.ts";

const run = promisify(execFile);
const HOME = "us-east-1";

function load(name: string, replacements: Readonly<Record<string, string>> = {}): Config {
  const { config, problems } = loadText(exampleWith(name, replacements), name);
  assert.ok(config, JSON.stringify(problems));
  return config;
}

/** Of traces; items a second. */
function rowOf(name: string, items: number, { region = "eu-west-1", arrival = 1 } = {}): ReceivedRow {
  return { signal: "traces", class: name, region, arrival, items, bytes: 400 * items, traces: items };
}

/** In the order of the comment. Its classes are called by their priority. */
const RECEIVED = [
  rowOf("high", 100),
  rowOf("high-2", 500),
  rowOf("low", 900),
  rowOf("normal", 4_000, { region: HOME }),
  rowOf("normal", 500, { region: HOME, arrival: 0.1 }),
  rowOf("normal", 4_000),
];

for (const { target, q, kept, digits } of [
  { target: 2_000, q: 0.1228, kept: [100, 500, 9, 400, 500, 491], digits: 0 },
  { target: 700, q: 0.0072, kept: [100, 500, 6.5, 28.8, 36, 28.8], digits: 1 },
]) {
  test(`examples/sampling.yaml keeps what its comment says with a target of ${target}: read from the file`, () => {
    const config = load("sampling.yaml", { "target_qps: 2000, unit": `target_qps: ${target}, unit` });
    const tried = trySampling(config, RECEIVED);
    const [adaptive] = tried.strategies.filter(({ name }) => name === "adaptive");
    assert.ok(Math.abs((adaptive?.rate ?? 0) - q) <= 0.000_051, String(adaptive?.rate));
    assert.deepEqual(
      RECEIVED.map((row) => Number(keptItems(tried.rates, row).toFixed(digits))),
      kept,
    );
    assert.equal(Math.round(tried.keptPerSecond), target);
  });
}

test("examples/sampling.yaml: listeners, fallback, limits and degradation are what its comments say", () => {
  const { config, problems } = loadText(readExample("sampling.yaml"), "sampling.yaml");
  assert.ok(config, JSON.stringify(problems));
  assert.deepEqual(
    problems.map(({ path }) => path),
    ["node.listen.sampling_http", "global.sampling.logs"],
  );
  const { sampling_http, sampling_grpc } = config.node.listen;
  assert.deepEqual(
    [sampling_http, sampling_grpc].map((one) => one !== false && one.address),
    [5778, 5779].map((port) => ({ host: "127.0.0.1", port })),
  );
  assert.deepEqual(fallbackOf(config), { afterMs: 300_000, staticAfterMs: 1_800_000, staticRate: 0.1 });
  const { limits, sampling } = compile(config, config.node, { version: 1, text: "" });
  assert.ok(limits && sampling);
  const limitOf = compileLimitOf(limits);
  const of = (key: string): unknown => [limitOf(key)?.perSecond, limitOf(key)?.burst];
  assert.deepEqual([limits.total, limits.mixed], [{ perSecond: 50_000, burst: 10_000 }, "refuse"]);
  assert.deepEqual(["payment-eu", "debug", "cart"].map(of), [
    [100_000, 10_000],
    [500, 100],
    [20_000, 4_000],
  ]);
  assert.deepEqual([sampling.dryRun, sampling.randomness], [false, "trace_id"]);
  assert.deepEqual(sampling.logRandomness, ["trace_id", { attribute: "session.id" }]);
  const wanted = { threshold: 0.8, recoveryThreshold: 0.6, minDwellMs: 30_000, isPredictive: false };
  assert.deepEqual(degradationSettings(config.global.degradation), wanted);
});

test("examples/global-config.yaml, with a target of 1,000: q = 0.0858, and 0.0128 at five times that, 1,000 kept", () => {
  const config = load("global-config.yaml", { "target_qps: 100000": "target_qps: 1000" });
  for (const [times, q] of [
    [1, 0.0858],
    [5, 0.0128],
  ] as const) {
    const rows = [rowOf("high", 50 * times), rowOf("low", 1_000 * times), rowOf("normal", 10_950 * times)];
    const { strategies, keptPerSecond } = trySampling(config, rows);
    assert.equal(strategies[0]?.rate.toFixed(4), q.toFixed(4));
    assert.equal(Math.round(keptPerSecond), 1_000);
  }
});

test("examples/fleet-sampling.ts: two nodes share one budget, before and after five times as much comes", async () => {
  const program = fileURLToPath(new URL("../../examples/fleet-sampling.ts", import.meta.url));
  const { stdout, stderr } = await run(process.execPath, [program], { timeout: 3 * 60_000 });
  assert.equal(stderr, "", "nothing of it is an error of the nodes");
  const [before, after] = [
    ...stdout.matchAll(
      /node-1: payments 1\.00, all else (?<rate>0\.\d\d)\n {2}node-2: payments 1\.00, all else \k<rate>\n {2}the fleet keeps (?<kept>\d+) of 100/gu,
    ),
  ].map(({ groups }) => [Number(groups?.["rate"]), Number(groups?.["kept"])]);
  // 80 of 180 that are no payments; then 80 of 980. The example goes on when what comes and what
  // is kept are within a tenth of what they should be.
  assert.ok(Math.abs((before?.[0] ?? 0) - 0.44) < 0.11, stdout);
  assert.ok(Math.abs((after?.[0] ?? 0) - 0.08) < 0.03, stdout);
  for (const [, kept = 0] of [before ?? [], after ?? []]) assert.ok(kept > 85 && kept < 115, stdout);
  assert.match(stdout, /\nDone\n$/u);
});
