import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { initFleet } from "../../src/store/recipes/identity.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { spans } from "../delivery/channel-rig.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { namesIn } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { until } from "./node-view.ts";

const ITEMS = 40;

test("a first tier feeds the gateways of its fleet, in the same region and in another: one document for all, a goodbye takes a gateway out, and nothing is lost", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-collectors-"));
  await using server = await EtcdServer.open();
  const { endpoints } = server;
  await using store = await openStore(
    { kind: "etcd", endpoints, tls: undefined, user: undefined, compact: false },
    { clock: systemClock, random: seededRandom(7), observer: UNOBSERVED },
  );
  const { signal } = new AbortController();
  await initFleet({ store, prefix: "/fleet", clock: systemClock }, { id: "t", signal });
  await using sink = await openGrpcSink();
  const start = (id: string, region: string, tier: string, more: object = {}): Promise<TestNode> => {
    const node = {
      id,
      region,
      tags: { tier },
      data_dir: join(folder, id),
      coordination: { type: "etcd", endpoints, prefix: "/fleet" },
      fleet: { token: "secret", report_interval: "1s", listen: { address: "127.0.0.1:0" } },
      ...more,
    };
    return startTestNode({ node }, { file: join(folder, `${id}.yaml`), workers: id === "e1" ? 1 : 0 });
  };
  const gateways = { region: "eu", tags: { tier: "gateway" } };
  const found = { collectors: gateways, id: "gateways", health_check: false, slow_start: 0 };
  const document = {
    targets: [{ id: "sink", endpoint: sink.url }],
    rules: [{ id: "up", targets: found, strategy: { type: "consistent_hash", key: "trace_id" }, when_down: "hold" }],
    default_pool: { targets: ["sink"] },
  };

  await using g1 = await start("g1", "eu", "gateway");
  await using g2 = await start("g2", "eu", "gateway", { roles: ["collector"] });
  await using e1 = await start("e1", "eu", "small", { roles: ["collector"] });
  await using far = await start("far", "edge", "small");
  const value = Buffer.from(JSON.stringify(document));
  await store.txn({ if: [], then: [{ kind: "put", key: "/fleet/global/config", value }] }, { signal });

  const finds = (node: TestNode, ...ids: readonly string[]): Promise<true> =>
    until(async () => {
      const target = (await node.status()).targets.find(({ id }) => id === "gateways");
      const there = (target?.addresses ?? []).map(({ member }) => member);
      return target !== undefined && String(there) === String(ids) ? true : undefined;
    });
  await finds(e1, "g1", "g2");
  await finds(far, "g1", "g2");
  // What stands for them stands for nobody on themselves: they go on to the next rule.
  const own = (await g1.status()).targets.find(({ id }) => id === "gateways");
  assert.deepEqual([own?.state, own?.reason, own?.addresses], ["down", "is_itself", []]);

  let sent = 0;
  const send = async (node: TestNode): Promise<void> => {
    await using sender = new OtlpSender(node);
    const calls = Array.from({ length: ITEMS }, () => {
      const trace = ++sent;
      return sender.send("grpc", "traces", spans([{ name: `${trace} `, trace }]));
    });
    assert.deepEqual(
      (await Promise.all(calls)).filter(({ ok }) => !ok),
      [],
    );
  };
  await send(e1);
  await send(far);
  for (const node of [g1, g2]) assert.ok((await node.ledger()).delivered > 0);
  assert.equal((await e1.ledger()).delivered, ITEMS);

  // One says goodbye while data flows.
  const flowing = send(e1);
  await g2.stop();
  await flowing;
  await finds(e1, "g1");
  await finds(far, "g1");
  await send(e1);
  const names = namesIn(sink.requests);
  assert.equal(names.length, sent);
  assert.equal(new Set(names).size, sent);

  // It comes back, elsewhere, and is found again.
  await using again = await start("g2", "eu", "gateway", { roles: ["collector"] });
  assert.notEqual(again.grpc, g2.grpc);
  await finds(e1, "g1", "g2");
  await send(e1);
  assert.ok((await again.ledger()).delivered > 0);
  rmSync(folder, { recursive: true, force: true });
});
