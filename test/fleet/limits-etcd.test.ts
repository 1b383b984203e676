import assert from "node:assert/strict";
import { test } from "node:test";
import { EtcdServer } from "../support/etcd-server.ts";
import { RealFleet } from "../support/fleet/real-fleet.ts";
import { requestOf } from "../support/items.ts";
import type { TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { until } from "./node-view.ts";

const LIMIT = 400;
const BURST = 100;
const ITEMS = 20;
const REQUEST = requestOf(
  "traces",
  Array.from({ length: ITEMS }, () => ({ name: "s", service: "cart" })),
);

test("nodes on etcd: what is granted of the limit follows the load from one node to another, and together they keep to it", async () => {
  await using etcd = await EtcdServer.open();
  await using sink = await openGrpcSink();
  await using fleet = new RealFleet({ kind: "etcd", endpoints: etcd.endpoints, compact: false }, "/limits");
  const document = {
    targets: [{ id: "a", endpoint: sink.url }],
    default_pool: { targets: ["a"] },
    global: { rate_limiting: { max_qps: LIMIT, burst_size: BURST } },
  };
  await fleet.publish(document, "--init");
  const nodes = [
    await fleet.inProcess({ id: "n1", region: "eu" }),
    await fleet.inProcess({ id: "n2", region: "eu" }),
    await fleet.inProcess({ id: "n3", region: "eu" }),
  ];
  const [first, second] = nodes;
  let letIn = 0;
  let beganMs: number | undefined;
  const send = async (node: TestNode): Promise<void> => {
    await using sender = new OtlpSender(node);
    for (let i = 0; i < 10; i++) {
      const { ok, retryMs } = await sender.send("grpc", "traces", REQUEST);
      if (ok) letIn += ITEMS;
      else assert.ok(retryMs !== undefined && retryMs > 0);
    }
    const nowMs = node.env.clock.nowMs();
    beganMs ??= nowMs;
    const most = (LIMIT * (nowMs - beganMs)) / 1_000 + BURST + nodes.length * ITEMS;
    // Of what was let in before the first look nothing is known of the time.
    assert.ok(letIn <= most + 10 * ITEMS, `${letIn} in ${nowMs - beganMs} ms`);
    const granted = await Promise.all(nodes.map(grantedTo));
    const sum = granted.reduce((all, one) => all + one, 0);
    assert.ok(sum <= LIMIT + 1e-6, granted.join());
  };
  for (const loaded of [first!, second!]) {
    await until(async () => {
      await send(loaded);
      return (await grantedTo(loaded)) >= 0.9 * LIMIT ? true : undefined;
    });
  }
  assert.ok(letIn > 0);
});

async function grantedTo(node: TestNode): Promise<number> {
  return (await node.running.dataPlane.limits(0))?.total.granted ?? 0;
}
