import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { requestOf } from "../support/items.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";

const config = (url: string, more = ""): string => `
targets: [{ id: t, endpoint: "${url}" }]
pools: { p: { targets: [t] } }
rules: [{ id: known, conditions: [{ service_name: known }], pool: p }]
${more}`;
const UNKNOWN = { name: "lost", service: "unknown" };
const KNOWN = { name: "kept", service: "known" };

test("what no rule takes is refused for good: alone, and beside what has a way", async () => {
  await using sink = await openGrpcSink();
  await using node = await startTestNode(config(sink.url));
  await using sender = new OtlpSender(node);
  for (const [way, code] of [
    ["grpc", GRPC.FAILED_PRECONDITION],
    ["http", 422],
  ] as const) {
    const alone = await sender.send(way, "logs", requestOf("logs", [UNKNOWN]));
    assert.deepEqual([alone.ok, alone.code, alone.retryMs], [false, code, undefined]);
    assert.match(alone.message, /no rule matches.*unmatched/u);
    const both = await sender.send(way, "logs", requestOf("logs", [UNKNOWN, KNOWN]));
    assert.deepEqual([both.ok, both.rejected, both.retryMs], [true, 1, undefined]);
    assert.match(both.message, /no rule matches/u);
  }
});

test("with unmatched: drop it is taken; while no pool is configured at all, senders come again", async () => {
  await using sink = await openGrpcSink();
  await using dropping = await startTestNode(config(sink.url, "unmatched: drop"));
  await using one = new OtlpSender(dropping);
  assert.equal((await one.send("http", "logs", requestOf("logs", [UNKNOWN]))).code, 200);
  await using empty = await startTestNode("targets: []");
  await using other = new OtlpSender(empty);
  const answer = await other.send("http", "logs", requestOf("logs", [UNKNOWN]));
  assert.deepEqual([answer.code, answer.retryMs !== undefined], [503, true]);
  assert.match(answer.message, /nothing is configured to deliver to/u);
});
