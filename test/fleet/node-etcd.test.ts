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
import { EtcdServer } from "../support/etcd-server.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { until, viewOf } from "./node-view.ts";

const ROUTES = { targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }], default_pool: { targets: ["a"] } };

test("nodes on etcd: a collector follows the controller of its region over sockets, and the next one when that has gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-fleet-etcd-"));
  await using server = await EtcdServer.open();
  const endpoints = server.endpoints;
  await using store = await openStore(
    { kind: "etcd", endpoints, tls: undefined, user: undefined, compact: false },
    { clock: systemClock, random: seededRandom(7), observer: UNOBSERVED },
  );
  await initFleet(
    { store, prefix: "/fleet", clock: systemClock },
    { id: "t", signal: AbortSignal.timeout(PATIENCE_MS) },
  );
  await using proxy = await FaultProxy.open(server.only.port);
  const through = [`http://127.0.0.1:${proxy.port}`];
  const start = (id: string, roles: readonly string[], at: readonly string[] = endpoints): Promise<TestNode> => {
    const node = {
      id,
      region: "eu",
      roles,
      data_dir: join(folder, id),
      coordination: { type: "etcd", endpoints: at, prefix: "/fleet" },
      fleet: { token: "secret", report_interval: "1s", listen: { address: "127.0.0.1:0" } },
    };
    return startTestNode({ node, ...ROUTES }, { file: join(folder, `${id}.yaml`) });
  };
  const follows = (node: TestNode, id: string): Promise<true> =>
    until(async () => {
      const { controller } = await viewOf(node);
      return controller?.state === "following" && controller.id === id ? true : undefined;
    });
  const first = await start("c1", ["collector", "controller"]);
  await follows(first, "c1");
  await using second = await start("c2", ["collector", "controller"]);
  await using collector = await start("n1", ["collector"], through);
  await follows(second, "c1");
  await follows(collector, "c1");

  // It has read the store, and leaves it alone: all else comes from its controller.
  await until(async () => (proxy.open === 0 ? true : undefined));
  const looked = proxy.connections;
  assert.ok(looked >= 1);

  // What people put into the store is the fleet's next config: who leads takes it, all run it.
  const { signal } = new AbortController();
  const publish = { targets: [{ id: "b", endpoint: "http://127.0.0.1:2" }], default_pool: { targets: ["b"] } };
  const value = Buffer.from(JSON.stringify(publish));
  await store.txn({ if: [], then: [{ kind: "put", key: "/fleet/global/config", value }] }, { signal });
  for (const node of [first, second, collector]) {
    await until(async () => (node.running.walk.status.running.targets[0]?.id === "b" ? true : undefined));
  }
  assert.equal(proxy.connections, looked);
  assert.equal((await viewOf(collector)).addresses.fleet, null);
  assert.ok((await first.metric("fleetConnections")) >= 2);
  await first.stop();
  await follows(second, "c2");
  await follows(collector, "c2");
  assert.ok((await second.metric("fleetCalls", "report", "ok")) >= 1);
  rmSync(folder, { recursive: true, force: true });
});
