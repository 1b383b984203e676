import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { startTestNode } from "../support/node.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { refusing } from "../support/sinks/sink-script.ts";

const SPANS = 220;
const WINDOW = 16;

const KINDS = [
  { protocol: "http/protobuf", code: 404 },
  { protocol: "http/protobuf", code: 405 },
  { protocol: "http/protobuf", code: 308 },
  { protocol: "grpc", code: GRPC.UNIMPLEMENTED },
] as const;

function span(n: number): Uint8Array {
  return encodeRequest("traces", { resourceSpans: [{ scopeSpans: [{ spans: [{ name: `span ${n}` }] }] }] });
}

for (const { protocol, code } of KINDS) {
  const open = protocol === "grpc" ? openGrpcSink : openHttpSink;

  test(`black hole: a failover pool with ack queued loses nothing to a primary that answers ${code} over ${protocol}`, async () => {
    await using primary = await open({ script: refusing(code) });
    await using standby = await open();
    const targets = ["a", "b"].map((id) => ({ id, protocol, health_check: false }));
    const pool = { targets: ["a", "b"], strategy: "failover", ack: "queued", retry: { max_retries: 1 } };
    const sinks = { a: primary, b: standby };
    await using node = await startTestNode({ targets, default_pool: pool }, { sinks });
    await using sender = new OtlpSender(node);
    for (let n = 0; n < SPANS; n++) {
      const answer = await sender.send(n % 2 === 0 ? "grpc" : "http", "traces", span(n));
      assert.equal(answer.ok, true);
    }
    await node.stop(); // drains
    const { delivered, rejected, lost } = await node.ledger("traces");
    assert.deepEqual([delivered, rejected, lost], [SPANS, 0, 0]);
    assert.equal(standby.counts().acceptedItems, SPANS);
    assert.ok(primary.counts().requests <= WINDOW, `${primary.counts().requests} calls to the primary`);
  });

  test(`black hole: least_connections gives one of three that answers ${code} over ${protocol} nothing but its first calls`, async () => {
    await using hole = await open({ script: refusing(code) });
    await using second = await open();
    await using third = await open();
    const targets = ["a", "b", "c"].map((id) => ({ id, protocol, health_check: false }));
    const pool = { targets: ["a", "b", "c"], strategy: "least_connections" };
    const sinks = { a: hole, b: second, c: third };
    await using node = await startTestNode({ targets, default_pool: pool }, { sinks });
    await using sender = new OtlpSender(node);
    for (let n = 0; n < SPANS; n += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => sender.send(i % 2 === 0 ? "grpc" : "http", "traces", span(n + i))),
      );
      for (const { ok, message } of answers) assert.deepEqual([ok, message], [true, ""]);
    }
    assert.ok(hole.counts().requests <= WINDOW, `${hole.counts().requests} calls to the black hole`);
    assert.equal(second.counts().acceptedItems + third.counts().acceptedItems, SPANS);
  });
}
