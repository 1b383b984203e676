import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { explanationText } from "../../src/cli/explain/text.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { prepare } from "../../src/generate/generate.ts";
import { UNREAD_SERVICE } from "../../src/data/pass-through.ts";
import type { PassedRow } from "../../src/core/snapshot.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { DEGRADATION_STEPS as STEPS, NOTHING_GIVEN_UP } from "../../src/plan/degradation-plan.ts";
import { until } from "../scenario/fault-sender.ts";
import { startTestNode, type TestConfig, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { holdAll } from "../support/sinks/hold-all.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { answers, refusing, type SinkRequest } from "../support/sinks/sink-script.ts";

const COMPRESS = { gzip: (body: Uint8Array) => gzipSync(body, { level: 9 }), zstd: zstdCompressSync } as const;

function requestOf(signal: Signal, items: number, seed = 1, encoding: "protobuf" | "json" = "protobuf"): Uint8Array {
  const options = { items, resources: 2, services: ["a", "b"], seed, wallMs: 1_750_000_000_000 };
  return prepare(signal, encoding, options).bytes;
}

function spansOf(items: number, seed = 1): Uint8Array {
  return requestOf("traces", items, seed);
}

/** Nothing hangs on how fast the machine is. */
const PATIENT = { limits: { request_timeout: "60s" } };

/** One pool that takes everything, to one target that takes gzip. */
function configOf(target: object = {}, more: object = {}, pool: object = {}): TestConfig {
  return {
    node: PATIENT,
    targets: [{ id: "a", compression: "gzip", ...target }],
    pools: { p: { targets: ["a"], compressed: "pass_through", retry: { initial: "1ms" }, ...pool } },
    default_pool: "p",
    ...more,
  };
}

/** How it came, and what is left of it inflated. */
function seen({ encoding, body }: SinkRequest): readonly [string, string] {
  return [encoding, Buffer.from(body).toString("base64")];
}

function asSent(encoding: string, body: Uint8Array): readonly [string, string] {
  return [encoding, Buffer.from(body).toString("base64")];
}

/** What the ledger has of a signal that passed, without what is zero. */
async function passed(node: TestNode, of: Signal = "traces"): Promise<Partial<Record<keyof PassedRow, unknown>>> {
  const row = (await node.rows()).find(({ signal, passed_through: all }) => signal === of && all !== undefined);
  return Object.fromEntries(Object.entries(row?.passed_through ?? {}).filter(([, value]) => value !== 0));
}

test("what comes compressed, over either protocol, goes on over either as it came", async () => {
  await using grpc = await openGrpcSink();
  await using http = await openHttpSink();
  const targets = [
    { id: "g", compression: "gzip" },
    { id: "h", compression: "zstd", protocol: "http/protobuf" },
  ];
  const rules = [
    { id: "to-g", signals: ["traces"], targets: ["g"], compressed: "pass_through" },
    { id: "to-h", signals: ["logs"], targets: ["h"], compressed: "pass_through" },
  ];
  await using node = await startTestNode(
    { node: PATIENT, targets, rules, unmatched: "refuse" },
    { sinks: { g: grpc, h: http } },
  );
  await using sender = new OtlpSender(node);
  for (const [signal, encoding, sink] of [
    ["traces", "gzip", grpc],
    ["logs", "zstd", http],
  ] as const) {
    const body = requestOf(signal, 20);
    const sent = COMPRESS[encoding](body);
    for (const way of ["grpc", "http"] as const) {
      const { ok, message } = await sender.send(way, signal, sent, { encoded: encoding });
      assert.deepEqual([ok, message], [true, ""]);
      const request = sink.requests.at(-1)!;
      assert.deepEqual(seen(request), asSent(encoding, body));
      assert.equal(request.wireBytes, sent.length); // our own level would give another length
    }
    const row = { items: "unknown", received: 2, delivered: 2, bytes: 2 * sent.length };
    assert.deepEqual(await passed(node, signal), row);
    assert.equal(await node.metric("passedRequests", signal, undefined, "delivered"), 2);
    assert.equal(await node.metric("passedBytes", signal), 2 * sent.length);
  }
  const asked = { signal: "logs", bytes: requestOf("logs", 1), maxItems: 1 } as const;
  const told = explanationText(await node.running.dataPlane.explain(asked), 200);
  assert.match(told, /^requests that come with zstd are not read .* to pool rule:to-h by rule to-h, as they came\n/u);
  assert.equal((await node.ledger()).received, 0);
  assert.equal(await node.metric("requests", undefined, UNREAD_SERVICE), 4);
  assert.equal(await node.metric("batchSize"), 0, "how many items were sent is not known");
});

test("what is not compressed, compressed otherwise, or JSON is read and counted, beside what passes", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode(configOf(), { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const body = spansOf(20);
  const json = requestOf("traces", 20, 1, "json");
  const all = [
    await sender.send("grpc", "traces", body),
    await sender.send("http", "traces", zstdCompressSync(body), { encoded: "zstd" }),
    await sender.send("json", "traces", gzipSync(json), { encoded: "gzip" }),
    await sender.send("http", "traces", gzipSync(body), { encoded: "gzip" }),
  ];
  assert.ok(all.every(({ ok }) => ok));
  assert.equal((await node.ledger("traces")).delivered, 60);
  assert.equal((await passed(node)).delivered, 1);
});

test("the target's words are the sender's: a part that was rejected, and bytes that are not gzip or not OTLP", async () => {
  await using sink = await openGrpcSink({ script: answers({ kind: "partial", rejected: 3, message: "too old" }) });
  await using node = await startTestNode(configOf(), { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const partial = await sender.send("http", "traces", gzipSync(spansOf(20)), { encoded: "gzip" });
  assert.deepEqual([partial.ok, partial.rejected, partial.message], [true, 3, "too old"]);
  const torn = await sender.send("grpc", "traces", gzipSync(spansOf(20)).subarray(0, 100), { encoded: "gzip" });
  assert.deepEqual([torn.ok, torn.code], [false, GRPC.INVALID_ARGUMENT]);
  const other = await sender.send("http", "traces", gzipSync("no protobuf at all"), { encoded: "gzip" });
  assert.deepEqual([other.ok, other.code], [false, 400]);
  const { bytes: _, ...row } = await passed(node);
  assert.deepEqual(row, { items: "unknown", received: 3, delivered: 1, rejected: 2, rejected_items: 3 });
  assert.equal(await node.metric("passedRejectedItems"), 3);
});

test("what becomes very long is not inflated here: it is for the target to bound that", async () => {
  await using sink = await openHttpSink();
  const limits = { node: { limits: { ...PATIENT.limits, max_request_bytes: "64KiB" } } };
  await using node = await startTestNode(configOf({ protocol: "http/protobuf" }, limits), { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const body = spansOf(1_000);
  const answer = await sender.send("http", "traces", gzipSync(body), { encoded: "gzip" });
  assert.deepEqual([answer.ok, answer.code], [true, 200]);
  assert.deepEqual(seen(sink.requests.at(-1)!), asSent("gzip", body));
  const read = await sender.send("http", "traces", zstdCompressSync(body), { encoded: "zstd" });
  assert.equal(read.code, 413);
});

test("a target that does not take the encoding is told of as if the request had been compressed here", async () => {
  await using sink = await openHttpSink({ script: refusing(415, { message: "no gzip" }) });
  await using node = await startTestNode(configOf({ protocol: "http/protobuf" }), { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const body = spansOf(20);
  const unread = await sender.send("http", "traces", gzipSync(body), { encoded: "gzip" });
  const read = await sender.send("http", "traces", body);
  assert.equal(unread.ok, false);
  assert.deepEqual(unread, read);
  assert.equal((await passed(node)).rejected, 1);
});

test("a request that fails is sent again as it came, and to another target of the pool", async () => {
  await using first = await openGrpcSink({ script: refusing(GRPC.UNAVAILABLE) });
  await using second = await openGrpcSink();
  const targets = ["a", "b"].map((id) => ({ id, compression: "gzip" }));
  const pools = { p: { targets: ["a", "b"], strategy: "failover", compressed: "pass_through" } };
  const config = { node: PATIENT, targets, pools, default_pool: "p" };
  await using node = await startTestNode(config, { sinks: { a: first, b: second } });
  await using sender = new OtlpSender(node);
  const body = spansOf(20);
  assert.ok((await sender.send("grpc", "traces", gzipSync(body), { encoded: "gzip" })).ok);
  assert.deepEqual(second.requests.map(seen), [asSent("gzip", body)]);
  assert.equal(first.requests.length, 1);
  assert.equal((await passed(node)).delivered, 1);
});

for (const { why, code, compression } of [
  { why: "its own does not take it", code: GRPC.UNIMPLEMENTED, compression: "none" },
  { why: "its own does not take it", code: GRPC.UNIMPLEMENTED, compression: "gzip" },
  { why: "its own is down", code: GRPC.UNAVAILABLE, compression: "gzip" },
] as const) {
  test(`what another pool takes over, as ${why}, is read, also where it has compression ${compression}`, async () => {
    await using own = await openGrpcSink({ script: refusing(code) });
    await using other = await openHttpSink();
    const config = {
      node: PATIENT,
      targets: [
        { id: "a", compression: "gzip" },
        { id: "b", protocol: "http/protobuf", compression },
      ],
      pools: {
        p: { targets: ["a"], compressed: "pass_through", fallback: "q", retry: { initial: "1ms" } },
        q: { targets: ["b"] },
      },
      default_pool: "p",
    };
    await using node = await startTestNode(config, { sinks: { a: own, b: other } });
    await using sender = new OtlpSender(node);
    const body = spansOf(20);
    const send = () => sender.send("http", "traces", gzipSync(body), { encoded: "gzip" });
    for (let i = 0; i < 2; i++) assert.ok((await send()).ok);
    const encoding = compression === "none" ? "identity" : compression;
    assert.deepEqual(other.requests.map(seen), [asSent(encoding, body), asSent(encoding, body)]);
    const { received, read, delivered } = await passed(node);
    assert.deepEqual([received === read, delivered], [true, undefined]);
    assert.equal((await node.ledger("traces")).delivered, 40);
    assert.equal(await node.metric("requests", undefined, UNREAD_SERVICE), 0, "each is counted by its service");
  });
}

test("what a target finds too large is read, and goes in parts that it takes", async () => {
  const body = spansOf(400);
  for (const [protocol, open, code] of [
    ["grpc", openGrpcSink, GRPC.RESOURCE_EXHAUSTED],
    ["http/protobuf", openHttpSink, 413],
  ] as const) {
    await using sink = await open({
      script: (request) => (request.body.length > body.length / 2 ? { kind: "status", code } : { kind: "ok" }),
    });
    await using node = await startTestNode(configOf({ protocol }), { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    const { ok, message } = await sender.send("grpc", "traces", gzipSync(body), { encoded: "gzip" });
    assert.deepEqual([ok, message], [true, ""]);
    assert.equal((await node.ledger("traces")).delivered, 400);
    const { received, read } = await passed(node);
    assert.deepEqual([received, read], [1, 1]);
  }
});

test("requests that wait leave one by one, and those that are read together", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode(configOf({ limits: { max_in_flight: 1 } }), { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const { arrived, release } = holdAll([sink]);
  const bodies = [1, 2, 3].map((seed) => spansOf(5, seed));
  const sends = [sender.send("grpc", "traces", bodies[0]!)];
  await arrived;
  for (const body of bodies) sends.push(sender.send("grpc", "traces", gzipSync(body), { encoded: "gzip" }));
  for (const body of bodies) sends.push(sender.send("grpc", "traces", body));
  await until(async () => (await node.status()).pools[0]!.queuedItems === 18);
  release();
  assert.ok((await Promise.all(sends)).every(({ ok }) => ok));
  const [, ...later] = sink.requests;
  assert.deepEqual(
    later.map(({ encoding, items }) => [encoding, items]),
    [
      ["gzip", 5],
      ["gzip", 5],
      ["gzip", 5],
      ["gzip", 15],
    ],
  );
  assert.deepEqual(
    later.slice(0, 3).map(seen),
    bodies.map((body) => asSent("gzip", body)),
  );
});

const CHANGES: readonly { readonly name: string; readonly config: TestConfig; readonly encoding: string }[] = [
  { name: "its target takes no gzip any more", config: configOf({ compression: "none" }), encoding: "identity" },
  { name: "its pool looks at items", config: configOf({}, {}, { strategy: "consistent_hash" }), encoding: "gzip" },
  {
    name: "its pool is gone, and its target",
    config: {
      node: PATIENT,
      targets: [{ id: "b", compression: "gzip" }],
      pools: { r: { targets: ["b"] } },
      default_pool: "r",
    },
    encoding: "gzip",
  },
];
test("a request that waits, and cannot go on under a new config as it came, is read", async () => {
  await using sink = await openGrpcSink();
  const before = configOf({ limits: { max_in_flight: 1 } });
  await using node = await startTestNode(before, { sinks: { a: sink, b: sink } });
  await using sender = new OtlpSender(node);
  const body = spansOf(20);
  for (const [i, { name, config, encoding }] of CHANGES.entries()) {
    assert.equal((await node.apply(before)).kind, "applied");
    const { arrived, release } = holdAll([sink]);
    const sends = [sender.send("grpc", "traces", spansOf(5))];
    await arrived;
    sends.push(sender.send("grpc", "traces", gzipSync(body), { encoded: "gzip" }));
    await until(async () => (await node.status()).pools[0]!.queuedItems === 1);
    assert.equal((await node.apply(config)).kind, "applied");
    release();
    assert.ok(
      (await Promise.all(sends)).every(({ ok }) => ok),
      name,
    );
    const { items, ...last } = sink.requests.at(-1)!;
    assert.deepEqual([last.encoding, items], [encoding, 20], name);
    assert.equal((await passed(node)).read, i + 1, name);
  }
});

const ONE_CALL = { max_in_flight: 1 };
for (const [whose, less] of [
  ["its target", configOf({ limits: { ...ONE_CALL, max_request_bytes: "8KiB" } })],
  ["its pool", configOf({ limits: ONE_CALL }, {}, { batch: { max_bytes: "8KiB" } })],
] as const) {
  test(`a request that waits, and is more than ${whose} lets go in one call by a new config, is read and goes in parts`, async () => {
    await using sink = await openGrpcSink();
    await using node = await startTestNode(configOf({ limits: ONE_CALL }), { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    const { arrived, release } = holdAll([sink]);
    const first = sender.send("grpc", "traces", spansOf(5));
    await arrived;
    const waiting = sender.send("grpc", "traces", gzipSync(spansOf(400)), { encoded: "gzip" });
    await until(async () => (await node.status()).pools[0]!.queuedItems === 1);
    assert.equal((await node.apply(less)).kind, "applied");
    release();
    const replies = await Promise.all([first, waiting]);
    assert.deepEqual(
      replies.map(({ ok, message }) => [ok, message]),
      [
        [true, ""],
        [true, ""],
      ],
    );
    assert.ok(sink.requests.length > 2);
    assert.equal((await passed(node)).read, 1);
  });
}

for (const [why, begin] of [
  ["no target of its pool is usable", (node) => node.operate("a", { state: "drain", untilMs: undefined, note: "" })],
  ["only what is protected is taken", (node) => node.degrade({ ...NOTHING_GIVEN_UP, level: STEPS.onlyProtected })],
] satisfies [string, (node: TestNode["running"]["dataPlane"]) => Promise<unknown>][]) {
  test(`while ${why} a request is answered as one that is read`, async () => {
    await using sink = await openGrpcSink();
    await using node = await startTestNode(configOf({}, {}, { when_down: "refuse" }), { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    await begin(node.running.dataPlane);
    const body = spansOf(5);
    const read = await sender.send("grpc", "traces", body);
    const unread = await sender.send("grpc", "traces", gzipSync(body), { encoded: "gzip" });
    assert.deepEqual([unread.ok, unread.code, unread.message], [false, read.code, read.message]);
    assert.deepEqual(await passed(node), {});
  });
}

test("a sender whose time is over, or that goes away, is done with; nothing of its request stays", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode(configOf(), { sinks: { a: sink } });
  const { arrived, release } = holdAll([sink]);
  {
    await using sender = new OtlpSender(node);
    const late = sender.send("grpc", "traces", gzipSync(spansOf(5)), { encoded: "gzip", timeoutMs: 50 });
    const gone = assert.rejects(sender.send("http", "traces", gzipSync(spansOf(5)), { encoded: "gzip" }));
    await arrived;
    assert.equal((await late).ok, false);
    await sink.until(({ requests }) => requests === 2);
    await sender[Symbol.asyncDispose]();
    await gone;
  }
  release();
  await until(async () => (await node.inFlight()).requests === 0);
  const { received, queued } = await passed(node);
  assert.deepEqual([received, queued], [2, undefined]);
});
