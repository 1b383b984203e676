import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Secret } from "../../src/core/secret.ts";
import { CIRCLE_MESSAGE, HOPS_HEADER, PATH_HEADER } from "../../src/plan/hops.ts";
import { linkKeysOf, PROOF_HEADER, proofOf } from "../../src/plan/link-proof.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { CircleReport } from "../../src/data/queue/circle-report.ts";
import { membersKey } from "../../src/plan/members.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";
import { MemberBoard } from "../../src/data/resolve/member-board.ts";
import { until } from "../fleet/node-view.ts";
import { type HttpAnswer, post } from "../receive/http-client.ts";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { OtlpSender, type SenderAnswer } from "../support/otlp-sender.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { spans } from "./channel-rig.ts";

const OF_FLEET = "node: { fleet: { token: of-the-fleet } }";
const ITEMS = spans([
  { name: "s", trace: 1 },
  { name: "t", trace: 2 },
]);

function found(tier: string, protocol: "grpc" | "http/protobuf" = "grpc"): object {
  return { collectors: { tags: { tier } }, id: tier, protocol, health_check: false, slow_start: 0 };
}

const FLEET = { token: "of-the-fleet" };
const keyBy = (token: string): Secret => new Secret(linkKeysOf({ token: new Secret(token) }, undefined)[0]!);
const KEY = keyBy(FLEET.token);

/** As a node of the fleet says it, or with another key whoever is none. */
function overLinks(hops: string, path = "", key = KEY): Record<string, string> {
  return { [HOPS_HEADER]: hops, [PATH_HEADER]: path, [PROOF_HEADER]: proofOf(key, hops, path) };
}

function keyOf(tier: string, listener: "otlp_grpc" | "otlp_http" = "otlp_grpc"): string {
  return membersKey({ region: "default", tags: { tier }, listener });
}

for (const { of, fleet } of [
  { of: "one document", fleet: FLEET },
  { of: "one machine, which share a store and have no token,", fleet: { listen: { address: "127.0.0.1:0" } } },
]) {
  test(`what two tiers of ${of} send to each other in a circle is refused after some links, and its sender hears it`, async () => {
    const rules = ["a", "b"].map((tier) => ({ id: tier, targets: found(tier) }));
    const start = (tier: string, hops: number): Promise<TestNode> => {
      return startTestNode({
        node: { fleet, tags: { tier }, limits: { max_hops: hops } },
        rules,
        unmatched: "refuse",
      });
    };
    await using a = await start("a", 2);
    await using b = await start("b", 16);
    await a.running.dataPlane.discovered([{ of: keyOf("b"), members: [{ id: "b", address: b.grpc, utilization: 0 }] }]);
    await b.running.dataPlane.discovered([{ of: keyOf("a"), members: [{ id: "a", address: a.grpc, utilization: 0 }] }]);
    await using sender = new OtlpSender(a);
    const answer = await sender.send("grpc", "traces", ITEMS);
    assert.deepEqual([answer.ok, answer.rejected], [true, 2]);
    assert.match(answer.message, /more than 2 links .* \(node\.limits\.max_hops\)/u);
    // It comes to b over one link and over three; to a over two, and over four no more.
    assert.equal((await b.ledger()).received, 4);
    assert.deepEqual([await a.metric("circlingItems"), await b.metric("circlingItems")], [2, 0]);
    for (const node of [a, b]) {
      const target = (await node.status()).targets.find(({ addresses }) => addresses.length > 0);
      assert.equal(target?.state, "ready");
      await node.assertBalanced();
    }
  });
}

for (const [protocol, listener] of [
  ["grpc", "otlp_grpc"],
  ["http/protobuf", "otlp_http"],
] as const) {
  test(`${protocol}: nodes of the fleet are told over how many links it has come, other targets are not`, async () => {
    await using node1 = await (protocol === "grpc" ? openGrpcSink() : openHttpSink());
    await using other = await openGrpcSink();
    const config = {
      targets: [{ id: "other" }],
      rules: [{ id: "copy", mode: "copy", pool: "others" }],
      pools: { others: { targets: ["other"] } },
      default_pool: { targets: { ...found("a", protocol), headers: { [HOPS_HEADER]: "0" } } },
    };
    await using node = await startTestNode(config, { sinks: { other } });
    const address = node1.url.slice("http://".length);
    await node.running.dataPlane.discovered([
      { of: keyOf("a", listener), members: [{ id: "n1", address, utilization: 0 }] },
    ]);
    await node.running.dataPlane.ready();
    await using sender = new OtlpSender(node);
    assert.equal((await sender.send("grpc", "traces", ITEMS)).ok, true);
    assert.deepEqual(
      [...node1.requests, ...other.requests].map(({ headers }) => headers[HOPS_HEADER]),
      ["1", undefined],
    );
  });
}

test("each batch for nodes of the fleet has come over one number of links, and what is sent on is one more", async () => {
  const board = new MemberBoard();
  board.tell([{ of: keyOf("a"), members: [{ id: "m", address: "m.test:1", utilization: 0 }] }]);
  const pool = JSON.stringify({ targets: found("a"), batch: { max_wait: "1s" } });
  await using rig = new Rig(`${OF_FLEET}\ndefault_pool: ${pool}`, { members: board, resolver: new ScriptedResolver() });
  for (const hops of ["1", "1", undefined, undefined, "3", "no number"]) {
    rig.handle("traces", ITEMS, 10_000, hops === undefined ? {} : overLinks(hops));
  }
  rig.advance(1_000);
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  assert.deepEqual(
    rig.calls
      .map(({ batch }) => [batch.hops, batch.items, batch.headers] as const)
      .toSorted(([a = 0], [b = 0]) => a - b),
    [
      [1, 6, NO_HEADERS],
      [2, 4, NO_HEADERS],
      [4, 2, NO_HEADERS],
    ],
  );
});

test("whoever makes up ways has one line of the log written for each target in a minute, and all of it counted", () => {
  const lines: string[] = [];
  const options = { clock: new ManualClock(), level: "info", format: "json", colour: false } as const;
  const metrics = createMetrics();
  const log = createLog({ ...options, write: (line) => lines.push(line) });
  const report = new CircleReport({ targets: new Map() }, { log, metrics });
  for (let i = 0; i < 1_000; i++) {
    report.returns(1, ["n", `made-up-${i}`], { target: "tier", node: "n" });
    report.tooMany(1, [`made-up-${i}`], 4);
  }
  assert.equal(lines.length, 2);
  assert.equal(metrics.circlingItems.with().value, 2_000);
});

test("what somebody says of links who is no node of the fleet means nothing, and is told to nobody", async () => {
  const board = new MemberBoard();
  board.tell([{ of: keyOf("a"), members: [{ id: "m", address: "m.test:1", utilization: 0 }] }]);
  const pool = JSON.stringify({ targets: found("a"), batch: { max_wait: "1s" } });
  const text = `${OF_FLEET}\ndefault_pool: ${pool}`;
  await using rig = new Rig(text, { members: board, resolver: new ScriptedResolver() });
  const forged = [
    { [HOPS_HEADER]: "9" },
    { [HOPS_HEADER]: "1", [PATH_HEADER]: "m" },
    { ...overLinks("1", "m"), [PATH_HEADER]: "m,n" },
    { ...overLinks("1", "x"), [HOPS_HEADER]: "9" },
    overLinks("1", "m", keyBy("of-another")),
    { ...overLinks("1", "m"), [PROOF_HEADER]: "" },
  ];
  for (const headers of forged) assert.deepEqual(rig.handle("traces", ITEMS, 10_000, headers).replies, []);
  const { replies } = rig.handle("traces", ITEMS, 10_000, overLinks("1", "m"));
  assert.match(replies[0]?.ok === true ? replies[0].message : "", /would send them back to m/u);
  rig.advance(1_000);
  rig.answer(0, ACCEPTED);
  assert.deepEqual(
    rig.calls.map(({ batch }) => [batch.hops, batch.path, batch.items, batch.headers]),
    [[1, "", 2 * forged.length, NO_HEADERS]],
    "one batch, as of any sender",
  );
  assert.equal(rig.env.metrics.circlingItems.with().value, 2, "of the one that a node has sent");
});

const LONG = spans(Array.from({ length: 40 }, (_, i) => ({ name: `long-${i}` })));
for (const { limits, senders, status, message } of [
  {
    limits: { max_concurrent_requests: 16 },
    senders: 12,
    status: 429,
    message: /12 requests are under way; the limit of 16 has 4 for what other nodes send on/u,
  },
  {
    limits: { max_in_flight_bytes: 16 * LONG.length, max_request_bytes: 2 * LONG.length },
    senders: 14,
    status: 503,
    message: new RegExp(`would pass the limit of \\d+, which has ${2 * LONG.length} for what other nodes send on`, "u"),
  },
]) {
  test(`a node whose senders have all of ${Object.keys(limits)[0]} that they may have takes what another node sends on`, async () => {
    const document = {
      node: { fleet: FLEET, shutdown_grace: "0s", limits },
      default_pool: { targets: found("a"), when_down: "hold" },
    };
    const waiting: Promise<unknown>[] = [];
    {
      await using node = await startTestNode(document, { workers: 0 });
      const port = Number(node.http.slice(node.http.lastIndexOf(":") + 1));
      const send = (more = {}): Promise<HttpAnswer> => post(port, "/v1/traces", LONG, more);
      const hold = (more = {}): void => void waiting.push(send(more).catch(() => undefined));
      const underWay = (wanted: number): Promise<true> =>
        until(async () => {
          const { requests, bytes } = (await node.status()).inFlight;
          return requests === wanted && bytes === wanted * LONG.length ? true : undefined;
        });
      for (let i = 0; i < senders; i++) hold();
      await underWay(senders);
      const refused = await send();
      assert.equal(refused.status, status);
      assert.match(String(refused.body), message);
      hold(overLinks("1", "x"));
      await underWay(senders + 1);
    }
    await Promise.all(waiting);
  });
}

test("what came from another node of the fleet is read, though it is compressed and might pass unread", async () => {
  await using sink = await openHttpSink();
  const document = {
    node: { fleet: FLEET },
    targets: [{ id: "t", protocol: "http/protobuf", compression: "gzip" }],
    rules: [{ id: "to-nodes", signals: ["logs"], targets: found("a") }],
    default_pool: { targets: ["t"], compressed: "pass_through" },
  };
  await using node = await startTestNode(document, { sinks: { t: sink }, workers: 0 });
  const port = Number(node.http.slice(node.http.lastIndexOf(":") + 1));
  for (const [headers, items] of [
    [{}, 0],
    [overLinks("1", "x"), 2],
  ] as const) {
    const sent = await post(port, "/v1/traces", gzipSync(ITEMS), { "content-encoding": "gzip", ...headers });
    assert.deepEqual([sent.status, (await node.ledger("traces")).delivered], [200, items]);
  }
});

test("explain believes of links what nodes have proven, and nobody else, as a request is", async () => {
  const rules = JSON.stringify([{ id: "linked", conditions: [{ header: { key: HOPS_HEADER } }], targets: ["t"] }]);
  const text = `targets: [{ id: t, endpoint: "http://t.test:1" }]\nrules: ${rules}\ndefault_pool: ${JSON.stringify({ targets: found("a") })}`;
  await using rig = new Rig(`${OF_FLEET}\n${text}`, { resolver: new ScriptedResolver() });
  const holds = (headers: Record<string, string>): unknown =>
    rig.explain("traces", ITEMS, headers).rules[0]?.condition?.holds;
  assert.deepEqual([holds(overLinks("1")), holds({ [HOPS_HEADER]: "1" })], [true, false]);
});

test("where no target is a node of the fleet nothing is counted", async () => {
  await using rig = new Rig("targets: [{ id: t, endpoint: 'http://t.test:1' }]\ndefault_pool: { targets: [t] }");
  const { replies } = rig.handle("traces", ITEMS, 10_000, { [HOPS_HEADER]: "9999" });
  assert.deepEqual([replies, rig.calls.map(({ batch }) => batch.hops)], [[], [0]]);
  rig.answer(0, ACCEPTED);
});

const REGIONS = ["eu", "us", "ap"] as const;
type Region = (typeof REGIONS)[number];
const ROUND = spans([{ name: "round" }]);
const FLAT = spans([{ name: "flat", region: "eu" }]);
const PATIENCE_MS = 20_000;

/**
 * One document for all: each region sends what is to go round to the next one, the last to the
 * first; what is not goes from eu to us, and there to the sink. Few calls at a time, of one item.
 */
function documentOf(region: Region, along: readonly Region[]): Record<string, unknown> {
  const to = (other: Region): object => {
    const target = { collectors: { region: other }, id: `to-${other}`, health_check: false, slow_start: 0 };
    return { targets: { ...target, limits: { max_in_flight: 2 } }, batch: { max_items: 1 } };
  };
  const round = along.map((of, i) => {
    const conditions = [{ region: of }, { span_name: "round" }];
    return { id: `round-${of}`, conditions, ...to(along[(i + 1) % along.length]!) };
  });
  const flat = { id: "flat", conditions: [{ span_name: "flat" }], ...to("us") };
  return {
    node: { id: `n-${region}`, region, fleet: FLEET },
    rules: [...round, flat],
    default_pool: { targets: ["sink"] },
  };
}

async function startCircle(along: readonly Region[], sink: Sink, parts: AsyncDisposableStack): Promise<TestNode[]> {
  const nodes: TestNode[] = [];
  for (const region of along) {
    nodes.push(parts.use(await startTestNode(documentOf(region, along), { sinks: { sink } })));
  }
  const known = along.map((region, i) => {
    const of = membersKey({ region, tags: {}, listener: "otlp_grpc" });
    return { of, members: [{ id: `n-${region}`, address: nodes[i]!.grpc, utilization: 0 }] };
  });
  for (const node of nodes) await node.running.dataPlane.discovered(known);
  return nodes;
}

for (const along of [REGIONS.slice(0, 2), REGIONS]) {
  test(`a circle of ${along.length} gateways that all send at once ends each request, names itself, and is in nobody's way`, async () => {
    await using sink = await openGrpcSink();
    await using parts = new AsyncDisposableStack();
    const nodes = await startCircle(along, sink, parts);
    const senders = nodes.map((node) => parts.use(new OtlpSender(node)));
    const send = (sender: OtlpSender, body: Uint8Array): Promise<SenderAnswer> =>
      sender.send("grpc", "traces", body, { timeoutMs: PATIENCE_MS });
    const round = senders.flatMap((sender) => Array.from({ length: 50 }, () => send(sender, ROUND)));
    const flat = Array.from({ length: 50 }, () => send(senders[0]!, FLAT));
    for (const answer of await Promise.all(flat)) assert.deepEqual([answer.ok, answer.rejected], [true, 0]);
    assert.equal(sink.counts().acceptedItems, 50);
    const circle = [...along.map((region) => `n-${region}`), "n-eu"].join(" > ");
    for (const [i, answer] of (await Promise.all(round)).entries()) {
      assert.deepEqual([answer.ok, answer.rejected], [true, 1], answer.message);
      assert.match(answer.message, /would send them back to n-\w+, where they came from/u);
      if (i < 50) assert.ok(answer.message.includes(circle), answer.message);
    }
    let counted = 0;
    for (const node of nodes) {
      counted += await node.metric("circlingItems");
      await node.assertBalanced();
    }
    assert.equal(counted, 50 * along.length);
    const told = nodes.flatMap(({ lines }) => lines.filter(({ msg }) => msg === CIRCLE_MESSAGE));
    assert.ok(
      told.some((line) => line["circle"] === circle && line["kind"] === "config"),
      JSON.stringify(told),
    );
  });
}
