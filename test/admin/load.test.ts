import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import { runCli } from "../cli/run-cli.ts";
import { until } from "../scenario/fault-sender.ts";
import { requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { callApi } from "./api-client.ts";

const CONFIG = {
  node: { id: "n1", region: "eu", load: { interval: "100ms", history_size: 50, capacity: 5_000 } },
  default_pool: { targets: ["a"] },
};

type Json = Record<string, unknown>;

async function open(sink: Sink): Promise<TestNode> {
  return startTestNode(CONFIG, { sinks: { a: sink } });
}

/** Before its load is sampled first: what starts is busy, and has no capacity left. */
async function openRested(sink: Sink): Promise<TestNode> {
  const load = { ...CONFIG.node.load, interval: "1h" };
  return startTestNode({ ...CONFIG, node: { ...CONFIG.node, load } }, { sinks: { a: sink } });
}

async function get(node: TestNode, path: string): Promise<Json> {
  const answer = await callApi(node.admin, path);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

test("load: a node tells what it carries, its history and a forecast, and counts bytes as they were sent", async () => {
  await using sink = await openGrpcSink();
  await using node = await open(sink);
  await using sender = new OtlpSender(node);
  const body = requestOf("traces", [
    { service: "shop", name: "a" },
    { service: "shop", name: "b" },
  ]);
  assert.ok((await sender.send("grpc", "traces", body)).ok);
  assert.ok((await sender.send("http", "traces", body, { gzip: true })).ok);
  assert.equal(await node.metric("receivedBytes"), body.length + gzipSync(body).length);
  let load: Json = {};
  const seen = (name: string): boolean => (load["history"] as Json[]).some((sample) => Number(sample[name]) > 0);
  await until(async () => {
    load = await get(node, "/api/v1/load?history=50&horizon=5m");
    return seen("items_per_second") && seen("bytes_per_second") && seen("latency_ms");
  });
  for (const share of ["cpu", "memory", "utilization"]) {
    assert.ok(Number(load[share]) >= 0 && Number(load[share]) <= 1, share);
  }
  assert.deepEqual([load["id"], load["region"]], ["n1", "eu"]);
  assert.ok(Number(load["memory"]) > 0, "the machine has memory in use");
  assert.deepEqual(load["capacity"], { items_per_second: 5_000, source: "configured" });
  const forecast = load["forecast"] as Json;
  assert.deepEqual([forecast["horizon_ms"], forecast["method"], forecast["low"]], [300_000, "persistence", null]);
  assert.equal((load["forecast_quality"] as Json[]).length, 8);
  assert.equal(((await get(node, "/api/v1/load?history=1"))["history"] as Json[]).length, 1);
  for (const wrong of ["horizon=never", "horizon=2d", "horizon=0", "history=x", "history=-1"]) {
    assert.equal((await callApi(node.admin, `/api/v1/load?${wrong}`)).status, 400, wrong);
  }
  const page = await callApi(node.admin, "/metrics");
  assert.match(page.text, /signalbox_node_load_samples_total\{result="taken"\} [1-9]/u);
  assert.match(page.text, /signalbox_node_load_capacity_items_per_second 5000\n/u);
  assert.ok((await node.metric("loadMemory")) > 0);
});

test("topology: a node without a fleet shows itself, is the best collector, and its only member", async () => {
  await using sink = await openGrpcSink();
  await using node = await openRested(sink);
  const view = await get(node, "/api/v1/topology");
  const [region] = view["regions"] as Json[];
  const [collector] = region!["collectors"] as Json[];
  assert.deepEqual(
    [region!["id"], region!["health"], region!["collectors_total"], collector!["id"], collector!["address"]],
    ["eu", "healthy", 1, "n1", node.grpc],
  );
  assert.deepEqual([collector!["config_version"], collector!["health"], view["stale"]], [1, "healthy", false]);
  assert.deepEqual(Object.keys(view["totals"] as Json), [
    "items",
    "bytes",
    "latency_ms",
    "error_rate",
    "sampling_rate",
  ]);
  const best = await get(node, "/api/v1/topology/best?region=eu&load=2&latency=0&capacity=1");
  assert.equal((best["collector"] as Json)["id"], "n1");
  assert.deepEqual(Object.keys(best["parts"] as Json), ["load", "latency", "capacity"]);
  const [member] = JSON.parse((await callApi(node.admin, "/api/v1/members")).text) as Json[];
  const { last_seen: lastSeen, ...seen } = member!;
  assert.deepEqual(seen, { id: "n1", region: "eu", address: node.grpc, seen_by: ["n1"] });
  assert.match(String(lastSeen), /^\d{4}-\d\d-\d\dT/u);
  const refused = [
    ["/api/v1/topology?region=us", 404],
    ["/api/v1/topology?after=a", 400],
    ["/api/v1/topology?limit=0", 400],
    ["/api/v1/topology/best?region=us", 404],
    ["/api/v1/topology/best?load=-1", 400],
    ["/api/v1/topology/best?load=0&latency=0&capacity=0", 400],
  ] as const;
  for (const [path, status] of refused) {
    const answer = await callApi(node.admin, path);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
  }
});

test("topology: where nobody is well at the moment, best is asked for again later", async () => {
  await using node = await startTestNode({ node: { id: "n1", region: "eu" } });
  const answer = await callApi(node.admin, "/api/v1/topology/best?region=eu");
  assert.deepEqual([answer.status, answer.headers["retry-after"]], [503, "5"], answer.text);
});

test("topology: the commands show tables, and the same as JSON", async () => {
  await using sink = await openGrpcSink();
  await using node = await openRested(sink);
  const env = { SIGNALBOX_URL: node.admin };
  const shown = await runCli(["topology"], { env, columns: 160 });
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^REGION +HEALTH +CONTROLLER +COLLECTORS .*\neu +healthy +n1 +1 /u);
  assert.match(shown.out, /\n\nCOLLECTOR +REGION +ADDRESS .*\nn1 +eu +127\.0\.0\.1:\d+ +healthy +1 /u);
  const json = await runCli(["topology", "--region", "eu", "-o", "json"], { env });
  assert.equal((JSON.parse(json.out) as { regions: Json[] }).regions[0]?.["id"], "eu");
  const nowhere = await runCli(["topology", "--region", "us"], { env });
  assert.deepEqual([nowhere.code, nowhere.err.includes("there is no region us")], [5, true]);
  const best = await runCli(["topology", "best", "--region", "eu", "--latency", "0"], { env, columns: 160 });
  assert.match(best.out, /^COLLECTOR +REGION +ADDRESS +SCORE .*\nn1 +eu +127\.0\.0\.1:\d+ +[01]\.\d\d /u);
  const none = await runCli(["topology", "best", "--region", "us"], { env });
  assert.deepEqual([none.code, none.err.includes("there is no region us")], [5, true]);
  assert.equal((await runCli(["topology", "best", "--load", "much"], { env })).code, 3);
  const members = await runCli(["members"], { env });
  assert.match(members.out, /^MEMBER +REGION +ADDRESS +SEEN +SEEN BY\nn1 +eu +127\.0\.0\.1:\d+ +0s +n1\n$/u);
});

test("load: the command shows what is expected and the history, and the same as JSON", async () => {
  await using sink = await openGrpcSink();
  await using node = await open(sink);
  const env = { SIGNALBOX_URL: node.admin };
  await until(async () => ((await get(node, "/api/v1/load"))["history"] as Json[]).length > 1);
  const shown = await runCli(["load", "--horizon", "5m", "--history", "2"], { env, columns: 160 });
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^NODE +REGION +CAPACITY .*\nn1 +eu +5000 .* 300 s .* persistence\n\nAGE +ITEMS\/S /u);
  assert.equal(shown.out.split("\n").length, 7, "two samples below their titles");
  const json = await runCli(["load", "--history", "1", "-o", "json"], { env });
  const view = JSON.parse(json.out) as { id: string; history: Json[] };
  assert.deepEqual([view.id, view.history.length], ["n1", 1]);
  assert.equal((await runCli(["load", "--horizon", "2d"], { env })).code, 3);
});

test("the metrics of requests, errors, times and batches are there by region", async () => {
  await using sink = await openGrpcSink();
  await using node = await open(sink);
  await using sender = new OtlpSender(node);
  const body = requestOf("traces", [
    { service: "shop", name: "a" },
    { service: "shop", name: "b" },
  ]);
  assert.ok((await sender.send("grpc", "traces", body)).ok);
  assert.ok(!(await sender.send("http", "traces", Buffer.from("no protobuf"))).ok);
  const { text } = await callApi(node.admin, "/metrics");
  assert.match(text, /^otlp_requests_total\{region="eu",service="shop"\} 1$/mu);
  assert.match(text, /^otlp_errors_total\{region="eu",error_type="\w+"\} 1$/mu);
  assert.match(text, /^otlp_request_duration_seconds_count\{region="eu",method="grpc"\} 1$/mu);
  assert.match(text, /^otlp_batch_size_sum\{region="eu"\} 2$/mu);
});
