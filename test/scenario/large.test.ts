import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { namesIn, namesOf, requestOf, type TestItem } from "../support/items.ts";
import { decodeRequest, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { list } from "../support/oracle/walk.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender, type SendVariant } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { GrpcJsClient } from "./grpc-js-client.ts";
import { OK, type SinkRequest, type SinkScript } from "../support/sinks/sink-script.ts";

const MIB = 1_048_576;
const PROTOCOLS = ["grpc", "http/protobuf"] as const;
type Protocol = (typeof PROTOCOLS)[number];
const UNCUT = { max_bytes: "64MiB", max_items: 1_000_000 };
/** So that few items are more than any limit can be meant to be. */
const FILLING = { filling: "x".repeat(3_000) };

/** Nothing times out, however busy the machine is. */
function patient(protocol: string) {
  const node = { limits: { request_timeout: "60s" } };
  return { node, targets: [{ id: "a", protocol, timeout: "60s", health_check: { timeout: "60s" } }] };
}

for (const protocol of PROTOCOLS) {
  for (const way of ["grpc", "http"] as const) {
    test(`large: a request of 60 MiB over ${way} reaches a target over ${protocol} byte by byte`, async () => {
      await using sink = await openSink(protocol);
      await using node = await startTestNode(
        { ...patient(protocol), default_pool: { targets: ["a"], batch: UNCUT } },
        { sinks: { a: sink } },
      );
      await using sender = new OtlpSender(node);
      const bytes = bigRequest(60 * MIB);
      const answer = await sender.send(way, "traces", bytes, { timeoutMs: 60_000 });
      assert.ok(answer.ok, JSON.stringify(answer));
      assert.equal(sink.requests.length, 1);
      assert.ok(Buffer.from(bytes).equals(sink.requests[0]!.body));
    });
  }
}

test("large: a request of 20 MiB leaves in calls of at most batch.max_bytes, and of batch.max_items", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode({}, { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const bytes = bigRequest(20 * MIB);
  assert.equal((await sender.send("http", "traces", bytes, { timeoutMs: 60_000 })).ok, true);
  assert.ok(sink.requests.every(({ body }) => body.length <= 4 * MIB));
  assert.equal(sink.requests.length, 6);
  assert.equal(sink.counts().acceptedItems, namesOf("traces", bytes).length);
  const many = Array.from({ length: 10_000 }, (_, i) => ({ name: `${i}` }));
  assert.equal((await sender.send("grpc", "logs", requestOf("logs", many))).ok, true);
  // Both are under way at the same time, and the smaller one may be there first.
  const sizes = sink.requests.slice(6).map(({ items }) => items);
  assert.deepEqual(
    sizes.toSorted((a, b) => b - a),
    [8_192, 1_808],
  );
  assert.equal(await node.metric("exportSplits", "a", "too_large"), 0);
});

for (const gzip of [false, true]) {
  test(`large: a request of 65 MiB over HTTP${gzip ? " with gzip" : ""} is refused for good`, async () => {
    await using sink = await openGrpcSink();
    await using node = await startTestNode({}, { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    const answer = await sender.send("http", "traces", bigRequest(65 * MIB), { gzip });
    assert.deepEqual([answer.code, answer.retryMs], [413, undefined]);
    assert.match(answer.message, /67108864/u);
    assert.equal((await sender.send("http", "traces", bigRequest(1_000))).ok, true);
    assert.equal(sink.counts().requests, 1);
  });

  test(`large: a request of 65 MiB over gRPC${gzip ? " with gzip" : ""} is refused for good`, async () => {
    await using sink = await openGrpcSink();
    await using node = await startTestNode({}, { sinks: { a: sink } });
    // Not a client on node:http2 itself: that loses a reply that comes before its body is sent.
    using client = new GrpcJsClient(node.grpc, { gzip });
    const end = await client.call(SIGNAL_FACTS.traces.grpcPath, bigRequest(65 * MIB));
    assert.deepEqual([end.code, end.details?.["details"]], [GRPC.RESOURCE_EXHAUSTED, undefined], end.text);
    assert.equal((await client.call(SIGNAL_FACTS.traces.grpcPath, bigRequest(1_000))).code, GRPC.OK);
    assert.equal(sink.counts().requests, 1);
  });
}

for (const protocol of PROTOCOLS) {
  for (const signal of SIGNALS) {
    test(`large: a target over ${protocol} that takes few ${signal} at a time gets halves until they fit, each item once`, async () => {
      await using sink = await openSink(protocol, (request) => request.items <= 7);
      await using node = await startTestNode(patient(protocol), { sinks: { a: sink } });
      await using sender = new OtlpSender(node);
      const items = Array.from({ length: 120 }, (_, i): TestItem => {
        return { name: `${signal} ${i}`, service: `s${i % 3}`, attributes: FILLING };
      });
      const requests = [items.slice(0, 100), items.slice(100, 101), items.slice(101)];
      const ways: readonly SendVariant[] = ["grpc", "http", "grpc"];
      const sent = requests.map((part, i) => sender.send(ways[i]!, signal, requestOf(signal, part)));
      for (const { ok, rejected, message } of await Promise.all(sent))
        assert.deepEqual([ok, rejected, message], [true, 0, ""]);
      const accepted = sink.requests.filter((request) => request.items <= 7);
      assert.deepEqual(namesIn(accepted).toSorted(), items.map(({ name }) => name).toSorted());
      assert.equal((await node.ledger(signal)).delivered, 120);
    });
  }

  test(`large: the one item that a target over ${protocol} never takes is rejected and told, the others are delivered`, async () => {
    await using sink = await openSink(protocol, ({ body }) => body.length < 24_000);
    await using node = await startTestNode(patient(protocol), { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    const fat: TestItem = { name: "fat", attributes: { text: "x".repeat(32_000) } };
    const thin = Array.from({ length: 50 }, (_, i): TestItem => ({ name: `thin ${i}`, attributes: FILLING }));
    const answer = await sender.send(
      "grpc",
      "traces",
      requestOf("traces", [...thin.slice(0, 20), fat, ...thin.slice(20)]),
    );
    assert.deepEqual([answer.ok, answer.rejected], [true, 1]);
    assert.match(answer.message, /too large for the sink/u);
    const taken = sink.requests.filter(({ body }) => body.length < 24_000);
    assert.deepEqual(namesIn(taken).toSorted(), thin.map(({ name }) => name).toSorted());
    assert.deepEqual([(await node.ledger()).delivered, (await node.ledger()).rejected], [50, 1]);
    const alone = await sender.send("grpc", "traces", requestOf("traces", [fat]));
    assert.deepEqual([alone.ok, alone.retryMs], [false, undefined]);
  });
}

test("large: what is above the target's own limit is halved before it is sent", async () => {
  await using sink = await openGrpcSink();
  const config = { targets: [{ id: "a", limits: { max_request_bytes: "2KiB" } }] };
  await using node = await startTestNode(config, { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const bytes = requestOf(
    "logs",
    Array.from({ length: 300 }, (_, i) => ({ name: `line ${i}` })),
  );
  assert.ok(bytes.length > 4_096);
  assert.equal((await sender.send("http", "logs", bytes)).ok, true);
  assert.ok(sink.requests.every(({ body }) => body.length <= 2_048));
  assert.deepEqual(namesIn(sink.requests).toSorted(), namesOf("logs", bytes).toSorted());
});

for (const protocol of PROTOCOLS) {
  test(`large: a node over ${protocol} that refuses before it has read the request gets halves, too`, async () => {
    await using sink = await openGrpcSink();
    const limits = { max_request_bytes: "1MiB", request_timeout: "60s" };
    await using next = await startTestNode({ ...patient("grpc"), node: { limits } }, { sinks: { a: sink } });
    const endpoint = `http://${protocol === "grpc" ? next.grpc : next.http}`;
    const {
      node: limited,
      targets: [target],
    } = patient(protocol);
    const targets = [{ ...target, id: "next", endpoint }];
    await using node = await startTestNode({ node: limited, targets, default_pool: { targets: ["next"] } });
    await using sender = new OtlpSender(node);
    const answer = await sender.send("http", "traces", bigRequest(20 * MIB));
    assert.deepEqual([answer.ok, answer.rejected, answer.message], [true, 0, ""]);
    assert.equal(sink.counts().acceptedItems, namesOf("traces", bigRequest(20 * MIB)).length);
  });
}

test("large: one metric of 50,000 data points reaches a target that takes 256 KiB at a time, each point once", async () => {
  await using sink = await openSink("http/protobuf", ({ body }) => body.length <= 262_144);
  await using node = await startTestNode({ targets: [{ id: "a", protocol: "http/protobuf" }] }, { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const dataPoints = Array.from({ length: 50_000 }, (_, i) => ({ timeUnixNano: String(i + 1), asInt: String(i) }));
  const metric = { name: "m", unit: "s", sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints } };
  const bytes = encodeRequest("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
  const { ok, rejected, message } = await sender.send("http", "metrics", bytes);
  assert.deepEqual([ok, rejected, message], [true, 0, ""]);
  const times = sink.requests
    .filter(({ body }) => body.length <= 262_144)
    .flatMap(({ body }) => pointTimes(decodeRequest("metrics", body)));
  assert.deepEqual(
    times.map(Number).toSorted((a, b) => a - b),
    dataPoints.map((_, i) => i + 1),
  );
  assert.equal((await node.ledger("metrics")).delivered, 50_000);
});

/** Of all sums, which have to be described as they were sent. */
function pointTimes(request: Plain): unknown[] {
  return list(request["resourceMetrics"])
    .flatMap((resource) => list(resource["scopeMetrics"]))
    .flatMap((scope) => list(scope["metrics"]))
    .flatMap(({ name, unit, sum }) => {
      const { dataPoints, ...more } = list([sum!])[0]!;
      assert.deepEqual([name, unit, more], ["m", "s", { aggregationTemporality: 1, isMonotonic: true }]);
      return list(dataPoints).map((point) => point["timeUnixNano"]);
    });
}

/** A sink that answers "too large", and not "try again", to what `fits` is false for. */
function openSink(
  protocol: Protocol,
  fits: (request: SinkRequest) => boolean = () => true,
): ReturnType<typeof openGrpcSink> {
  const tooLarge = { kind: "status", code: protocol === "grpc" ? GRPC.RESOURCE_EXHAUSTED : 413 } as const;
  const script: SinkScript = (request) => (fits(request) ? OK : { ...tooLarge, message: "too large for the sink" });
  return protocol === "grpc" ? openGrpcSink({ script }) : openHttpSink({ script });
}

/** A request of about this many bytes: spans of 64 KiB. */
function bigRequest(bytes: number): Uint8Array {
  const one = Buffer.from(requestOf("traces", [{ name: "x".repeat(Math.min(bytes, 65_536)), service: "big" }]));
  return Buffer.concat(Array<Buffer>(Math.ceil(bytes / one.length)).fill(one));
}
