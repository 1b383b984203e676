import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli } from "../cli/run-cli.ts";
import { requestOf } from "../sampling/requests.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { callApi } from "./api-client.ts";

const CONFIG = `
default_pool: { targets: [a] }
global:
  sampling_strategies:
    - { type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }
    - { type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 20 }
`;

type Json = Record<string, unknown>;

async function call(node: TestNode, path: string, method = "GET", body?: Json): Promise<Json> {
  const answer = await callApi(node.admin, path, { method, ...(body !== undefined && { body }) });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** So many seconds, in each of which 90 spans come, and 10 that are protected. */
async function carry(node: TestNode, clock: ManualClock, seconds: number): Promise<void> {
  await using sender = new OtlpSender(node);
  const spans = (count: number): { name: "high" }[] => Array.from({ length: count }, () => ({ name: "high" }));
  const bytes = requestOf([
    { service: "cart", spans: spans(90) },
    { service: "payment", spans: spans(10) },
  ]);
  for (let i = 0; i < seconds; i++) {
    assert.ok((await sender.send("grpc", "traces", bytes)).ok);
    clock.advance(1_000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("sampling: a node tells what it keeps of each class and why, what other settings would keep, and takes them over", async () => {
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a }, clock });
  const first = await call(node, "/api/v1/sampling");
  assert.deepEqual([first["decided_by"], first["stage"], first["directive"]], ["node", "static", null]);
  await carry(node, clock, 7);
  const view = await call(node, "/api/v1/sampling");
  assert.deepEqual([view["decided_by"], view["stage"]], ["node", "directive"]);
  const [strategy] = view["strategies"] as Json[];
  assert.deepEqual(
    [strategy?.["strategy"], strategy?.["state"], strategy?.["allowed_per_second"], strategy?.["kept_per_second"]],
    ["adaptive", "on_target", 20, 20],
  );
  assert.deepEqual(
    (view["classes"] as Json[]).map((one) => [
      one["class"],
      Number(Number(one["probability"]).toFixed(4)),
      one["reason"],
      one["received_per_second"],
      one["kept_per_second"],
    ]),
    [
      ["high", 1, "priority_based", 10, 10],
      ["normal", 0.1111, "adaptive", 90, 10],
    ],
  );
  const tried = await call(node, "/api/v1/sampling/dry-run", "POST", { target_qps: 55 });
  assert.deepEqual([tried["received_by"], tried["kept_per_second"]], ["node", 55]);
  assert.deepEqual(
    (tried["classes"] as Json[]).map((one) => [one["class"], one["probability"], one["reason"]]),
    [
      ["high", 1, "priority_based"],
      ["normal", 0.5, "adaptive"],
    ],
    "by the same words as what is kept now",
  );
  assert.equal(
    (await callApi(node.admin, "/api/v1/sampling", { method: "PATCH", body: { target_qps: 0 } })).status,
    422,
  );
  const none = await callApi(node.admin, "/api/v1/sampling", { method: "PATCH", body: { budget_per_hour: 1 } });
  assert.equal(none.status, 422);
  const changed = await call(node, "/api/v1/sampling", "PATCH", { target_qps: 55, sampling: { dry_run: true } });
  assert.equal(changed["version"], 2);
  await carry(node, clock, 40);
  const after = await call(node, "/api/v1/sampling");
  assert.equal((after["classes"] as Json[])[1]?.["kept_per_second"], 45);
});

test("sampling: what cannot be set is not tried either, and is told by the same words", async () => {
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  const wrong: readonly { readonly body: Json; readonly path: string }[] = [
    { body: { sampling: { dry_run: "yes" } }, path: "global.sampling.dry_run" },
    { body: { sampling: { dry_rn: true } }, path: "global.sampling.dry_rn" },
    { body: { sampling_strategies: [{ type: "adaptve" }] }, path: "global.sampling_strategies[0].type" },
    { body: { sampling_strategies: [{ type: "priority_based" }] }, path: "global.sampling_strategies[0]" },
    {
      body: { sampling_strategies: [{ type: "adaptive", min_rate: 0.5, max_rate: 0.1, target_qps: 3 }] },
      path: "global.sampling_strategies[0].max_rate",
    },
  ];
  for (const { body, path } of wrong) {
    const [tried, set] = [
      await callApi(node.admin, "/api/v1/sampling/dry-run", { method: "POST", body }),
      await callApi(node.admin, "/api/v1/sampling", { method: "PATCH", body }),
    ];
    assert.equal(tried.status, 422, tried.text);
    const problems = tried.json()["problems"] as Json[];
    assert.deepEqual(problems, set.json()["problems"]);
    assert.ok(
      problems.some((one) => one["severity"] === "error" && one["path"] === path),
      tried.text,
    );
  }
});

test("sampling: the commands show it, try it, set it, and tell of one item whether it is kept", async () => {
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a }, clock });
  await carry(node, clock, 7);
  const cli = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await runCli(["sampling", ...args, "--url", `http://${node.admin}`], { columns: 200 });
    assert.equal(code, 0, err);
    return out;
  };
  assert.match(await cli("get"), /decided by the node.*\n[^]*adaptive +on_target +0\.1111 +20 +20/u);
  assert.match(await cli("get"), /traces +normal +0\.1111 +adaptive +90 +10/u);
  assert.match(await cli("dry-run", "--target", "55"), /^of what the node receives 55 items a second would be kept/u);
  const low = ["--service", "cart", "--trace-id", `${"0".repeat(31)}1`];
  const explained = await cli("explain", ...low);
  assert.match(explained, /  dropped: class normal is kept at 11\.1% \(adaptive\).*below the threshold/su);
  assert.doesNotMatch(explained, /rules/u, "of sampling alone");
  assert.match(await cli("explain", "--service", "payment", ...low.slice(2)), /kept: class high is kept at 100%/u);
  assert.match(await cli("set", "--target", "30"), /^sampling set; config version 2/u);
  assert.match(await cli("dry-run"), /30 items a second would be kept/u);
  await cli("set", "--dry-run", "on");
  assert.match(await cli("explain", ...low), /  would be dropped \(dry_run\): class normal/u);
  await cli("set", "--dry-run", "off");
  assert.match(await cli("explain", ...low), /  dropped: class normal/u);
  for (const words of [["set"], ["set", "-f", "some.yaml", "--target", "1"]]) {
    assert.equal((await runCli(["sampling", ...words, "--url", `http://${node.admin}`])).code, 2, words.join(" "));
  }
});
