import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createRouter,
  createStrategies,
  type EmbeddedRouter,
  type Picker,
  registerStrategy,
  type Route,
  RouterError,
  type RuleInput,
} from "../../src/index.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { hung } from "../support/sinks/sink-script.ts";

const TARGETS = [
  { id: "a", endpoint: "http://127.0.0.1:1", weight: 5, region: "us" },
  { id: "b", endpoint: "http://127.0.0.1:2", weight: 1, region: "eu" },
];
const RULE: RuleInput = { id: "shop", conditions: [{ service_name: "shop*" }], targets: ["b"] };
const CONFIG = { targets: TARGETS, rules: [RULE], default_pool: { targets: ["a", "b"] } };

function placeOf({ rule, pool, targets }: Route): string {
  return `${rule} ${pool} ${targets.map(({ id, usable }) => `${id}${usable ? "" : "-"}`).join()}`;
}

test("a router tells rule, pool and targets of an item", async () => {
  await using router = await createRouter(CONFIG);
  assert.equal(placeOf(router.route({ service: "shop-1" })), "shop rule:shop b");
  assert.equal(placeOf(router.route({ service: "other" })), "(default) default a,b");
  const [first] = router.route({ service: "shop-1" }).targets;
  assert.deepEqual(first, {
    id: "b",
    endpoint: "http://127.0.0.1:2",
    region: "eu",
    weight: 1,
    state: "ready",
    usable: true,
  });
});

test("a route changes nothing: the same item goes the same way until something is sent", async () => {
  await using router = await createRouter(CONFIG);
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(router.route({ service: "other" }).pick, { kind: "target", target: "a" });
  }
});

test("usable targets come first, and the one that would be picked before all others", async () => {
  await using router = await createRouter({ ...CONFIG, default_pool: { targets: ["b", "a"] } });
  assert.equal(placeOf(router.route({ service: "other" })), "(default) default a,b");
  assert.ok(router.targets.operate("a", { state: "drain", untilMs: undefined, note: "" }));
  assert.equal(placeOf(router.route({ service: "other" })), "(default) default b,a-");
  assert.equal(router.targets.operate("c", { state: "drain", untilMs: undefined, note: "" }), false);
});

test("an item that no rule takes has no place, and a reason when it would be refused", async () => {
  await using router = await createRouter({ targets: TARGETS, rules: [RULE], unmatched: "refuse" });
  const { rule, pool, targets, pick, refusal } = router.route({ service: "other" });
  assert.deepEqual({ rule, pool, targets, pick }, { rule: undefined, pool: undefined, targets: [], pick: undefined });
  assert.equal(refusal?.reason, "unrouted");
});

const UNROUTED = [
  { name: "no rule takes it", config: { targets: TARGETS, rules: [RULE] }, reason: "unrouted" },
  { name: "there is no pool yet", config: {}, reason: "no_target" },
];
for (const { name, config, reason } of UNROUTED) {
  test(`where ${name}, a route tells what a sender would be told`, async () => {
    await using router = await createRouter({ ...config, unmatched: "refuse" });
    const { refusal } = router.route({ service: "other" });
    const reply = await router.send({ service: "other" });
    assert.ok(!reply.ok);
    assert.deepEqual([refusal?.reason, refusal], [reason, reply.refusal]);
  });
}

test("copies have places of their own", async () => {
  const copy: RuleInput = { id: "all", mode: "copy", priority: 900, conditions: [], targets: ["a"] };
  await using router = await createRouter({ ...CONFIG, rules: [copy, RULE] });
  const { rule, copies } = router.route({ service: "shop" });
  assert.equal(rule, "shop");
  assert.deepEqual(
    copies.map((one) => [one.rule, one.pool, one.targets.map(({ id }) => id)]),
    [["all", "rule:all", ["a"]]],
  );
});

test("a request has a route for each of its items, in protobuf and in JSON", async () => {
  await using router = await createRouter(CONFIG);
  const body = requestOf("logs", [
    { name: "one", service: "shop" },
    { name: "two", service: "other" },
  ]);
  const rules = router.routeRequest({ body, signal: "logs" }).map(({ rule }) => rule);
  assert.deepEqual(rules, ["shop", "(default)"]);
  const json = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: "s" }, { name: "t" }] }] }] });
  assert.equal(router.routeRequest({ body: json }).length, 2);
});

test("what is no item or no request is a TypeError", async () => {
  await using router = await createRouter(CONFIG);
  assert.throws(() => router.route({ service: "x", span: "y" } as object), TypeError);
  assert.throws(() => router.route({ trace_id: "xyz" }), TypeError);
  assert.throws(() => router.routeRequest({ body: "{}" }), TypeError);
  assert.throws(() => router.routeRequest({ body: Uint8Array.of(255), signal: "traces" }), TypeError);
});

test("a config with errors is refused with all of them", async () => {
  const opened = createRouter({ targets: [], rules: [{ id: "r", conditions: [], pool: "nowhere" }] });
  await assert.rejects(opened, (error) => {
    assert.ok(error instanceof RouterError);
    assert.equal(error.code, "CONFIG_INVALID");
    assert.match(error.message, /nowhere/u);
    return true;
  });
});

test("rules are added, put in place and removed; each change is a version, and can be taken back", async () => {
  await using router = await createRouter(CONFIG);
  const ruleOf = (): string | undefined => router.route({ service: "shop-1" }).rule;
  const kinds: string[] = [];
  const change = async (made: Promise<{ kind: string }>): Promise<void> => void kinds.push((await made).kind);

  await change(router.addRule({ id: "first", conditions: [{ service_name: "shop-1" }], targets: ["a"] }, "shop"));
  assert.equal(ruleOf(), "first");
  await change(router.addRule({ id: "first", conditions: [], targets: ["a"] }));
  await change(router.updateRule({ id: "first", conditions: [{ service_name: "x" }], targets: ["a"] }));
  assert.equal(ruleOf(), "shop");
  await change(router.removeRule("shop"));
  assert.equal(ruleOf(), "(default)");
  await change(router.removeRule("shop"));
  await change(router.updateRule({ id: "first", conditions: [], targets: ["nobody"] }));
  await change(router.table.rollback(2, undefined));
  assert.equal(ruleOf(), "first");

  assert.deepEqual(kinds, ["applied", "exists", "applied", "applied", "unknown", "invalid", "applied"]);
  assert.equal(router.version, 5);
  assert.deepEqual(
    (await router.table.versions()).map(({ version }) => version),
    [5, 4, 3, 2, 1],
  );
});

test("what is sent is delivered by the pools' strategies, and accounted for", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const targets = [
    { id: "a", endpoint: a.url, weight: 3 },
    { id: "b", endpoint: b.url, weight: 1 },
  ];
  await using router = await createRouter({ targets, default_pool: { targets: ["a", "b"] } });
  const reached: string[] = [];
  for (let i = 0; i < 8; i++) {
    const { pick } = router.route({ span_name: "s" });
    const before = a.requests.length;
    assert.deepEqual(await router.send({ span_name: "s" }), { ok: true, rejected: 0, message: "" });
    reached.push(a.requests.length > before ? "a" : "b");
    assert.deepEqual(pick, { kind: "target", target: reached[i] }, "the route said something else");
  }
  assert.equal(reached.join(""), "aabaaaba");
  assert.deepEqual([a.requests.length, b.requests.length], [6, 2]);
  const row = router.ledger().find(({ signal, rule }) => signal === "traces" && rule === "(default)");
  assert.deepEqual([row?.received, row?.delivered, row?.queued], [8, 8, 0]);
  assert.match(router.metrics(), /^signalbox_export_sends_total\{target="a",outcome="accepted"\} 6$/mu);
  // As `ledger()` says, each time that they are asked for.
  const delivered =
    /^signalbox_ledger_items_total\{signal="traces",rule="\(default\)",pool="default",outcome="delivered"\} 8$/mu;
  for (let i = 0; i < 2; i++) assert.match(router.metrics(), delivered);
  assert.match(router.metrics(), /^signalbox_ledger_imbalance_items\{signal="traces"\} 0$/mu);
});

test("whole requests are sent as they are, and what is malformed is refused", async () => {
  await using sink = await openGrpcSink();
  const config = { targets: [{ id: "a", endpoint: sink.url }], default_pool: { targets: ["a"] } };
  await using router = await createRouter(config);
  const body = requestOf("metrics", [
    { name: "m1", service: "x" },
    { name: "m2", service: "y" },
  ]);
  assert.ok((await router.send({ body, signal: "metrics" })).ok);
  assert.deepEqual(namesIn(sink.requests), ["m1", "m2"]);
  const refused = await router.send({ body: "{" });
  assert.equal(refused.ok ? "" : refused.refusal.reason, "bad_data");
});

test("nobody waits longer than the sender wants to", async () => {
  await using sink = await openGrpcSink({ script: hung });
  const config = { targets: [{ id: "a", endpoint: sink.url }], default_pool: { targets: ["a"] } };
  await using router = await createRouter(config);
  const late = await router.send({ service: "x" }, { timeoutMs: 50 });
  assert.equal(late.ok ? "" : late.refusal.reason, "deadline");
});

test("a closed router refuses", async () => {
  const router = await createRouter(CONFIG);
  await router[Symbol.asyncDispose]();
  const reply = await router.send({ service: "x" });
  assert.equal(reply.ok ? "" : reply.refusal.reason, "shutting_down");
});

function last(size: number): Picker {
  return { pick: (view) => (view.eligible[size - 1] === 1 ? size - 1 : -1), charge() {}, changed() {} };
}

test("strategies that are handed in are there by name, also after a change", async () => {
  const strategies = createStrategies();
  registerStrategy(strategies, "last", ({ size }) => last(size));
  const pool = { targets: ["a", "b"], strategy: { type: "plugin" as const, name: "last" } };
  await using router: EmbeddedRouter = await createRouter({ targets: TARGETS, default_pool: pool }, { strategies });
  assert.equal((await router.addRule({ id: "r", conditions: [{ service_name: "r" }], ...pool })).kind, "applied");
  assert.equal(router.targets.balancer({ type: "plugin", name: "last", options: {} }).next(), "b");
  const unknown = createRouter({ targets: TARGETS, default_pool: pool });
  await assert.rejects(unknown, /no strategy is called last/u);
});

test("headers of the sender decide where rules ask for one, and go along to targets that are passed them", async () => {
  await using sink = await openGrpcSink();
  await using router = await createRouter({
    targets: [{ id: "a", endpoint: sink.url, forward_headers: ["x-scope-orgid"], health_check: false }],
    rules: [{ id: "gold", conditions: [{ header: { key: "X-Scope-OrgID", equals: "gold" } }], targets: ["a"] }],
    default_pool: { targets: ["a"] },
  });
  const headers = { "X-Scope-OrgID": "gold" };
  assert.equal(router.route({ service: "s", headers }).rule, "gold");
  assert.equal(router.route({ service: "s" }).rule, "(default)");
  const body = requestOf("traces", [{ name: "n" }]);
  assert.equal(router.routeRequest({ body, signal: "traces", headers })[0]?.rule, "gold");
  assert.deepEqual(await router.send({ body, signal: "traces", headers }), { ok: true, rejected: 0, message: "" });
  assert.deepEqual(await router.send({ service: "s" }), { ok: true, rejected: 0, message: "" });
  assert.deepEqual(
    sink.requests.map((request) => request.headers["x-scope-orgid"]),
    ["gold", undefined],
  );
});
