import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { ask, post } from "../receive/http-client.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { runCli } from "../cli/run-cli.ts";
import type { Explanation } from "../../src/plan/explanation.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { refusing } from "../support/sinks/sink-script.ts";

const FULL = { ok: true, rejected: 0, message: "", retryMs: undefined };

const LIMITED = `
default_pool: { targets: [a] }
global:
  rate_limiting: { max_qps: 100, per_service_limit: 10, keys: { "pay*": 50 } }
`;

function many(service: string, count: number): { name: string; service: string }[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${service}-${i}`, service }));
}

function adminPort(node: TestNode): number {
  return Number(node.admin.split(":").at(-1));
}

async function limitsOf(node: TestNode): Promise<Record<string, unknown>> {
  const answer = await ask(adminPort(node), "/api/v1/limits", { method: "GET" });
  assert.equal(answer.status, 200);
  return JSON.parse(answer.body.toString()) as Record<string, unknown>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of this program
}

test("a node refuses what is over a limit whole, to be sent again, over gRPC and over HTTP; with time it is let in", async () => {
  await using a = await openGrpcSink();
  const clock = new ManualClock();
  await using node = await startTestNode(LIMITED, { sinks: { a }, clock });
  await using sender = new OtlpSender(node);
  assert.deepEqual(await sender.send("grpc", "traces", requestOf("traces", many("cart", 10))), { ...FULL, code: 0 });
  const more = requestOf("traces", [{ name: "late", service: "cart" }, ...many("ship", 2)]);
  const grpc = await sender.send("grpc", "traces", more);
  assert.equal(grpc.code, GRPC.UNAVAILABLE);
  assert.ok(grpc.retryMs !== undefined && grpc.retryMs >= 500 && grpc.retryMs <= 1_000, String(grpc.retryMs));
  assert.match(grpc.message, /over the limit of 10 items a second of service "cart"/u);
  for (const way of ["http", "json"] as const) {
    const body =
      way === "json"
        ? Buffer.from(
            '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeLogs":[{"logRecords":[{}]}]}]}',
          )
        : more;
    const http = await sender.send(way, way === "json" ? "logs" : "traces", body);
    assert.equal(http.code, 429);
    assert.equal(http.retryMs, 1_000);
  }
  assert.equal(a.requests.length, 1);
  clock.advance(1_000);
  assert.deepEqual(await sender.send("http", "traces", more), { ...FULL, code: 200 });
  assert.equal(namesIn(a.requests).length, 13);
  const { received, delivered, shed } = await node.ledger();
  assert.deepEqual([received, delivered, shed], [20, 13, 7]);
  assert.equal(await node.metric("limitItems", "traces", "over_key"), 6);
  assert.equal(await node.metric("limitItems", "logs", "over_key"), 1);
  assert.equal(await node.metric("limitItems", "traces", "let_in"), 13);
  assert.equal(await node.metric("limitKeys"), 2);
  assert.equal(await node.metric("errors", undefined, "over_limit"), 3);
  await node.assertBalanced();
});

test("metrics count, by their data points, and what everything together may have is shared by all signals", async () => {
  await using a = await openGrpcSink();
  const config = "default_pool: { targets: [a] }\nglobal: { rate_limiting: { max_qps: 10 } }\n";
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  assert.equal((await sender.send("grpc", "metrics", requestOf("metrics", many("cart", 5)))).ok, true);
  assert.equal((await sender.send("grpc", "logs", requestOf("logs", many("ship", 5)))).ok, true);
  const { code, message } = await sender.send("http", "metrics", requestOf("metrics", many("pay", 1)));
  assert.equal(code, 429);
  assert.match(message, /over the limit of 10 items a second \(global\.rate_limiting\.max_qps\)/u);
});

test("mixed: shed: what is over is told as final loss, the rest is delivered, and the ledger knows of both", async () => {
  await using a = await openGrpcSink();
  const config = LIMITED.replace("max_qps: 100", "max_qps: 100, mixed: shed");
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  await sender.send("grpc", "traces", requestOf("traces", many("cart", 12)));
  const mixed = requestOf("traces", [...many("cart", 3), { name: "kept", service: "payment" }]);
  for (const way of ["grpc", "http"] as const) {
    const { ok, rejected, message } = await sender.send(way, "traces", mixed);
    assert.deepEqual([ok, rejected], [true, 3]);
    assert.match(message, /over the limit of 10 items a second of service "cart"/u);
  }
  assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("cart", 1)))).ok, false);
  assert.deepEqual(namesIn(a.requests).slice(12), ["kept", "kept"]);
  const { received, delivered, shed } = await node.ledger("traces");
  assert.deepEqual([received, delivered, shed], [21, 14, 7]);
  assert.equal(await node.metric("limitItems", "traces", "shed"), 6);
});

test("what a later stage refuses takes nothing of the limits", async () => {
  await using a = await openGrpcSink();
  const config = `${LIMITED}pools: { small: { targets: [a], queue: { max_bytes: 1 } } }\nrules: [{ id: r, pool: small, conditions: [{ service_name: ship }] }]\n`;
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  const refused = requestOf("traces", [...many("ship", 8), ...many("cart", 8)]);
  for (let i = 0; i < 5; i++) {
    const { code, message } = await sender.send("grpc", "traces", refused);
    assert.equal(code, GRPC.RESOURCE_EXHAUSTED);
    assert.doesNotMatch(message, /over the limit/u);
  }
  assert.equal(await node.metric("limitItems", "traces", "given_back"), 80);
  assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("cart", 10)))).ok, true);
  assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("cart", 1)))).ok, false);
});

test("limits come before sampling: what is dropped has been let in, and what is refused is not sampled", async () => {
  await using a = await openGrpcSink();
  const config = LIMITED.replace("global:", "global:\n  sampling_strategies: [{ type: fixed, rate: 0 }]");
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  const spans = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "cart" } }] },
        scopeSpans: [
          {
            spans: Array.from({ length: 10 }, () => ({
              traceId: "0123456789abcdef0123456789abcdef",
              spanId: "0123456789abcdef",
            })),
          },
        ],
      },
    ],
  };
  const body = Buffer.from(JSON.stringify(spans));
  assert.equal((await sender.send("json", "traces", body)).ok, true);
  assert.equal((await sender.send("json", "traces", body)).ok, false);
  const { dropped, shed } = await node.ledger("traces");
  assert.deepEqual([dropped, shed], [10, 10]);
  await node.assertBalanced();
});

test("what sampling finds malformed takes nothing of the limits", async () => {
  await using a = await openGrpcSink();
  const config = LIMITED.replace("max_qps: 100", "max_qps: 1").replace("global:", "global:\n  sampling_rate: 0.5");
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  await using sender = new OtlpSender(node);
  // A span whose trace id is said to be longer than it is.
  const malformed = Uint8Array.from([0x0a, 6, 0x12, 4, 0x12, 2, 0x0a, 0x7f]);
  for (let i = 0; i < 3; i++) {
    assert.match((await sender.send("grpc", "traces", malformed)).message, /the item at byte \d+ is malformed/u);
  }
  assert.equal((await sender.send("grpc", "logs", requestOf("logs", many("cart", 1)))).ok, true);
});

test("a tenant's header tells senders apart", async () => {
  await using a = await openGrpcSink();
  const config =
    "default_pool: { targets: [a] }\nglobal: { rate_limiting: { max_qps: 100, per_service_limit: 5, key: { header: X-Scope-OrgID } } }\n";
  await using node = await startTestNode(config, { sinks: { a }, clock: new ManualClock() });
  const send = async (tenant: string): Promise<number> => {
    const body = requestOf("traces", many("cart", 5));
    const port = Number(node.http.split(":").at(-1));
    return (await post(port, "/v1/traces", body, { "x-scope-orgid": tenant })).status;
  };
  assert.deepEqual([await send("one"), await send("one"), await send("two")], [200, 429, 200]);
  const { key, services } = await limitsOf(node);
  assert.deepEqual(key, { header: "X-Scope-OrgID" });
  assert.equal((services as unknown[]).length, 2); // oxlint-disable-line typescript/no-unsafe-type-assertion -- of this program
});

test("GET /api/v1/limits tells limit, grant and use of everything and of keys; PATCH changes them in the config", async () => {
  await using a = await openGrpcSink();
  const clock = new ManualClock();
  await using node = await startTestNode(LIMITED, { sinks: { a }, clock });
  await using sender = new OtlpSender(node);
  await sender.send("grpc", "traces", requestOf("traces", many("cart", 10)));
  await sender.send("grpc", "traces", requestOf("traces", many("cart", 4)));
  await sender.send("grpc", "traces", requestOf("traces", many("payment", 20)));
  clock.advance(1_000);
  assert.deepEqual(await limitsOf(node), {
    limit: 100,
    burst: 100,
    asked: 34,
    granted: 100,
    offered: 34,
    used: 30,
    shed: 4,
    key: "service",
    mixed: "refuse",
    keys: 2,
    services: [
      { service: "cart", limit: 10, asked: 20, granted: 10, offered: 14, used: 10, shed: 4 },
      { service: "payment", limit: 50, asked: 20, granted: 50, offered: 20, used: 20, shed: 0 },
    ],
  });
  const patch = async (body: unknown): Promise<number> => {
    const headers = { "content-type": "application/json" };
    const of = { method: "PATCH", headers, body: JSON.stringify(body) };
    return (await ask(adminPort(node), "/api/v1/limits", of)).status;
  };
  assert.equal(await patch({ max_qps: 0 }), 422);
  assert.equal(await patch({ per_service_limit: 20, keys: { "pay*": null, debug: 1 } }), 200);
  assert.deepEqual((await node.running.table.text()).match(/"(?:max_qps|per_service_limit|debug|pay\*)": ?\d+/gu), [
    '"max_qps": 100',
    '"per_service_limit": 20',
    '"debug": 1',
  ]);
  assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("payment", 20)))).ok, true);
  assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("payment", 1)))).ok, false);
});

test("without limits, everything is let in, and that is told", async () => {
  await using a = await openGrpcSink({ script: refusing(3, { message: "no" }) });
  await using node = await startTestNode("default_pool: { targets: [a] }\n", { sinks: { a } });
  const { limit, services } = await limitsOf(node);
  assert.deepEqual([limit, services], [null, []]);
});

for (const [name, limiting] of [
  ["other limits", { rate_limiting: { max_qps: 5 } }],
  ["no limits", {}],
] as const) {
  test(`a change to ${name} that fails on its way leaves those that are there`, async () => {
    await using a = await openGrpcSink();
    const inProcess = "workers are started anew with such a plan";
    await using node = await startTestNode(LIMITED, { sinks: { a }, clock: new ManualClock(), inProcess });
    const { dataPlane } = node.running;
    const plan = node.planOf({ default_pool: { targets: ["a"] }, global: { sampling_rate: 0.5, ...limiting } }, 2);
    // What no compiler makes: the stage sample cannot be built of it.
    const broken = { ...plan, sampling: { ...plan.sampling!, follows: undefined! } };
    await assert.rejects((await dataPlane.prepare(broken)).commit());
    assert.equal((await dataPlane.limits(0))?.total.limit, 100);
    await using sender = new OtlpSender(node);
    assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("cart", 10)))).ok, true);
    assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("cart", 1)))).ok, false);
    assert.equal((await dataPlane.limits(0))?.total.shed, 1);
  });
}

test("explain tells of a request which limit refuses it, how much is to be paid back, and when; the CLI says so", async () => {
  await using a = await openGrpcSink();
  const clock = new ManualClock();
  await using node = await startTestNode(LIMITED, { sinks: { a }, clock });
  await using sender = new OtlpSender(node);
  assert.equal((await sender.send("grpc", "traces", requestOf("traces", many("cart", 60)))).ok, true);
  const body = Buffer.from(JSON.stringify({ item: { service: "cart", span_name: "x" } }));
  const answer = await post(adminPort(node), "/api/v1/explain", body, { "content-type": "application/json" });
  const { limits } = JSON.parse(answer.body.toString()) as Explanation; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of this program
  assert.deepEqual([limits?.outcome, limits?.wait_ms, limits?.keys[0]?.left], ["refused", 5_100, -50]);
  const { message, retryMs = 0 } = await sender.send("grpc", "traces", requestOf("traces", many("cart", 1)));
  assert.equal(limits?.why, message);
  assert.deepEqual(limits.retry_after_ms, { least: 5_100, most: 10_200 });
  assert.ok(retryMs >= 5_100 && retryMs <= 10_200, String(retryMs));
  const ran = await runCli(["limits", "explain", "--service", "cart", "--url", `http://${node.admin}`], {
    columns: 200,
  });
  assert.match(
    ran.out,
    /would be refused, to be sent again \(over_limit\): .*; there is something left again in 5\.1 s; its sender would\s+be told to wait 5\.1 to 10\.2 s/u,
  );
  assert.match(ran.out, /service cart +1 +10 +10 +-50 {2}per_service_limit/u);
});
