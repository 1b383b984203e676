import assert from "node:assert/strict";
import { test } from "node:test";
import { callApi } from "../admin/api-client.ts";
import { runCli } from "../cli/run-cli.ts";
import { requestOf } from "../sampling/requests.ts";
import { until } from "../scenario/fault-sender.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { OK } from "../support/sinks/sink-script.ts";

type Json = Record<string, unknown>;

const low = requestOf([{ service: "debug", spans: [{ name: "high" }] }]);
const other = requestOf([{ service: "cart", spans: [{ name: "high" }] }]);

const CONFIG = `
node: { id: n1 }
pools: { main: { targets: [a], ack: queued, queue: { max_bytes: "${low.length + 1}B" } } }
default_pool: main
global:
  sampling_strategies:
    - type: priority_based
      rules: [{ priority: low, rate: 1, services: ["debug"] }]
  degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 }
`;

async function get(node: TestNode): Promise<Json> {
  const answer = await callApi(node.admin, "/api/v1/degradation");
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** So many samples of the load, a second apart, on a clock that is moved. */
async function pass(clock: ManualClock, node: TestNode, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    const before = node.running.load.newest;
    clock.advance(1_000);
    await until(async () => node.running.load.newest !== before);
  }
}

test("a node whose queue is full for ten seconds gives up what is of low priority, says why, and takes it back", async () => {
  const clock = new ManualClock();
  const released = Promise.withResolvers<void>();
  await using a = await openGrpcSink({ script: () => ({ kind: "held", until: released.promise, next: OK }) });
  await using node = await startTestNode(CONFIG, { sinks: { a }, clock });
  await using sender = new OtlpSender(node);
  assert.equal((await sender.send("grpc", "traces", low)).ok, true);
  await pass(clock, node, 13);
  const view = await get(node);
  assert.equal((view["signals"] as Json)["queue"], 0.93, "full, which calls for level 3 at most");
  assert.ok(Number(view["level"]) >= 3, JSON.stringify(view));
  assert.match(String(view["reason"]), /^[a-z_]+ (?:0\.\d\d|1\.00): /u);
  assert.ok(String(view["help"]).length > 0);
  const { ok, message, retryMs } = await sender.send("grpc", "traces", low);
  assert.deepEqual([ok, retryMs !== undefined], [false, true]);
  assert.match(message, /degraded to level [345]/u);
  assert.ok(node.lines.some(({ msg, kind }) => msg === "this node gives up more" && kind === "degradation"));
  assert.equal(await node.metric("degradationLevel"), view["level"]);
  assert.equal(await node.metric("degradationStress", "queue"), 0.93);
  released.resolve();
  await until(async () => (await node.ledger()).queued === 0);
  await until(async () => {
    await pass(clock, node, 20);
    return Number((await get(node))["level"]) < Number(view["level"]);
  });
  assert.ok(node.lines.some(({ msg }) => msg === "this node gives up less"));
  assert.ok((await node.metric("degradationChanges", "down")) >= 1);
});

test("people order a level of a node, and its fleet's degradation, for a time; and end it", async () => {
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a }, clock });
  await using sender = new OtlpSender(node);
  const run = (...words: string[]): ReturnType<typeof runCli> =>
    runCli(["degrade", ...words, "--url", `http://${node.admin}`], { columns: 200, clock });
  const set = (...words: string[]): ReturnType<typeof runCli> => run("set", ...words);
  const ordered = await set("4", "--for", "1h", "--note", "the sinks are moved");
  assert.deepEqual([ordered.code, ordered.err], [0, ""]);
  assert.match(ordered.out, /node +4 +0s +1h +ordered: the sinks are moved/u);
  assert.equal((await sender.send("grpc", "traces", other)).ok, false);
  const view = await get(node);
  assert.deepEqual(
    [view["level"], view["signal"], (view["ordered"] as Json)["note"]],
    [4, null, "the sinks are moved"],
  );
  assert.equal((view["gives_up"] as unknown[]).length, 4);
  assert.equal((await set("auto")).code, 0);
  assert.equal((await sender.send("grpc", "traces", other)).ok, true);
  await until(async () => (await node.ledger()).queued === 0);

  // It is seen with the next sample, which comes when this clock is moved: nobody waits for it.
  const on = await set("--fleet", "on", "--for", "1h", "--wait", "0s");
  assert.equal(on.code, 0);
  await pass(clock, node, 3);
  const fleet = (await get(node))["fleet"] as Json;
  assert.deepEqual([fleet["degraded"], fleet["reason"], fleet["target_rate"]], [true, "ordered", 0.01]);
  assert.equal(fleet["decided_by"], "this node");
  assert.match((await run("get")).out, /fleet +on +\d+s +59m\d+s +ordered +kept at 0\.01/u);
  assert.equal(await node.metric("degradationFleet"), 1);
  assert.equal((await set("--fleet", "off", "--for", "1h", "--wait", "0s")).code, 0);
  await pass(clock, node, 1);
  assert.equal(((await get(node))["fleet"] as Json)["degraded"], false);
});

test("sources of traces are told to send less while the fleet is degraded, but for what is protected", async () => {
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  const sampled = `
node: { listen: { sampling_http: { address: "127.0.0.1:0" } } }
default_pool: { targets: [a] }
global:
  sampling: { randomness: hash }
  sampling_strategies:
    - { type: priority_based, rules: [{ priority: high, rate: 1, services: ["pay"] }] }
  degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 }
`;
  await using node = await startTestNode(sampled, { sinks: { a }, clock });
  const told = async (service: string): Promise<unknown> => {
    const answer = await fetch(`http://${node.running.addresses.samplingHttp}/sampling?service=${service}`);
    return ((await answer.json()) as { probabilisticSampling: Json }).probabilisticSampling["samplingRate"]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the reply of a test
  };
  assert.deepEqual([await told("cart"), await told("pay")], [1, 1]);
  const order = { method: "PATCH", body: { fleet: true, for: "1h" } };
  assert.equal((await callApi(node.admin, "/api/v1/degradation", order)).status, 200);
  await pass(clock, node, 1);
  assert.deepEqual([await told("cart"), await told("pay")], [1 / 32, 1]);
});

test("an order that says nothing, or what is no level, is refused", async () => {
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  for (const body of [{}, { level: 6 }, { level: 1, for: "0s" }, { level: 1, for: "99d" }, { levels: 1 }]) {
    const { status } = await callApi(node.admin, "/api/v1/degradation", { method: "PATCH", body });
    assert.equal(status, 422, JSON.stringify(body));
  }
  for (const words of [
    ["6"],
    ["on"],
    ["--fleet", "3"],
    ["1", "--for", "x"],
    ["1", "--for", "0s"],
    ["1", "--for", "30d"],
    [],
  ]) {
    assert.equal(
      (await runCli(["degrade", "set", ...words, "--url", `http://${node.admin}`])).code,
      2,
      words.join(" "),
    );
  }
});
