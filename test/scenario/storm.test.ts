import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { OK, type SinkScript } from "../support/sinks/sink-script.ts";

/** 1,000 spans of about 400 bytes. */
const SPANS = Array.from({ length: 1_000 }, (_, i) => ({ name: `span ${i}`, attributes: { text: "x".repeat(350) } }));
const REQUEST = requestOf("traces", SPANS);
const MIB = 1_048_576;

const TARGETS = [
  { protocol: "http/protobuf", refusal: { kind: "status", code: 413, message: "too large" } },
  { protocol: "grpc", refusal: { kind: "status", code: GRPC.RESOURCE_EXHAUSTED, message: "over quota" } },
] as const;

for (const { protocol, refusal } of TARGETS) {
  const open = (script: SinkScript): ReturnType<typeof openGrpcSink> =>
    protocol === "grpc" ? openGrpcSink({ script }) : openHttpSink({ script });

  test(`storm: a target over ${protocol} that answers ${refusal.code} to everything gets few calls for 1,000 spans`, async () => {
    await using sink = await open(() => refusal);
    // What is final comes before that, on any machine; what may pass is tried until then.
    const limits = { request_timeout: protocol === "grpc" ? "1s" : "60s" };
    const config = { targets: [{ id: "a", protocol, timeout: "60s" }], node: { limits } };
    await using node = await startTestNode(config, { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    const answer = await sender.send("http", "traces", REQUEST);
    assert.equal(answer.ok, false);
    // 413 is final, once a part of 12 KiB was refused as well; RESOURCE_EXHAUSTED that a half did
    // not mend may pass.
    assert.deepEqual([answer.retryMs === undefined, answer.rejected], [protocol !== "grpc", 0]);
    assert.ok(sink.requests.length <= 12, `${sink.requests.length} calls`);
    assert.ok((await node.metric("exportSplits", "a", protocol === "grpc" ? "exhausted" : "too_large")) > 0);
  });

  test(`storm: what was acknowledged waits while a target over ${protocol} answers ${refusal.code} to everything, and then arrives`, async () => {
    let refusals = 6;
    await using sink = await open(() => (refusals-- > 0 ? refusal : OK));
    const retry = { initial: "20ms", max: "100ms" };
    const config = { targets: [{ id: "a", protocol }], default_pool: { targets: ["a"], ack: "queued", retry } };
    await using node = await startTestNode(config, { sinks: { a: sink } });
    await using sender = new OtlpSender(node);
    assert.equal((await sender.send("grpc", "traces", REQUEST)).ok, true);
    await emptied(node);
    const { delivered, rejected, lost } = await node.ledger();
    assert.deepEqual([delivered + rejected, lost], [1_000, 0]);
    assert.ok(rejected <= 40, `${rejected} spans of below 16 KiB`);
    if (protocol === "grpc") assert.equal(rejected, 0);
    assert.equal(new Set(namesIn(sink.requests.slice(6))).size, delivered);
  });
}

test("storm: a Collector's 400 for a body above its limit is learned, and the answer tells only what it never takes", async () => {
  const refusal = { kind: "status", code: 400, message: "http: request body too large" } as const;
  await using sink = await openHttpSink({ script: ({ body }) => (body.length > 1.2 * MIB ? refusal : OK) });
  await using node = await startTestNode({ targets: [{ id: "a", protocol: "http/protobuf" }] }, { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const fat = { name: "fat", attributes: { text: "x".repeat(1.3 * MIB) } };
  const items = Array.from({ length: 40 }, (_, i) => ({ name: `${i}`, attributes: { text: "x".repeat(50_000) } }));
  const first = await sender.send("grpc", "traces", requestOf("traces", [...items, fat]));
  assert.deepEqual([first.ok, first.rejected], [true, 1]);
  const before = sink.requests.length;
  const second = await sender.send("grpc", "traces", requestOf("traces", items));
  assert.deepEqual([second.ok, second.rejected], [true, 0]);
  assert.ok(
    sink.requests.slice(before).every(({ body }) => body.length <= 1.2 * MIB),
    "cut beforehand",
  );
  assert.equal((await node.ledger()).delivered, 80);
});

/** Nothing waits any more. */
async function emptied(node: TestNode): Promise<void> {
  while ((await node.ledger()).queued > 0) await turn();
}
