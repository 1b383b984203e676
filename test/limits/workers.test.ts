import assert from "node:assert/strict";
import { test } from "node:test";
import { requestOf } from "../support/items.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";

test("two workers share the limits of their node: together they have no more, and each sender is answered", async () => {
  await using a = await openGrpcSink();
  const config =
    "default_pool: { targets: [a] }\nglobal: { rate_limiting: { max_qps: 1000000, per_service_limit: 20 } }\n";
  await using node = await startTestNode(config, { sinks: { a }, workers: 2 });
  const body = requestOf(
    "traces",
    Array.from({ length: 50 }, (_, i) => ({ name: `s${i}`, service: "cart" })),
  );
  let letIn = 0;
  let refused = 0;
  // Each connection goes to the worker with the fewest. A request of 50 items leaves a debt of
  // more than a second.
  for (let i = 0; i < 6; i++) {
    await using sender = new OtlpSender(node);
    const { ok, retryMs } = await sender.send("http", "traces", body);
    if (ok) letIn++;
    else {
      refused++;
      assert.ok(retryMs !== undefined && retryMs >= 1_000);
    }
  }
  assert.ok(letIn <= 6 && letIn + refused === 6);
  const usage = await node.running.dataPlane.limits(10);
  assert.ok(usage !== undefined && usage.total.granted > 0 && usage.total.granted <= 1_000_000);
  assert.ok(usage.keys.every(({ granted }) => granted <= 20));
  const { delivered, shed } = await node.ledger("traces");
  assert.deepEqual([delivered, shed], [50 * letIn, 50 * refused]);
  await node.assertBalanced();
});
