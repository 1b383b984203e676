import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { EtcdServer } from "../support/etcd-server.ts";
import { RealFleet } from "../support/fleet/real-fleet.ts";
import { WatchedStore } from "../support/fleet/watched-store.ts";
import { loseLeaders, startTwoRegions } from "./lost-leaders.ts";
import { rollOf, untilEqual } from "./node-view.ts";

/** Of etcd's own gateway, which has numbers as texts. */
const LeasesView = z.object({ leases: z.array(z.object({ ID: z.string() })) });
const TimeToLiveView = z.object({ grantedTTL: z.coerce.number() });

const LEASE_MS = 5_000;
const REPORT_MS = 1_000;

test("nodes on three members of etcd: a collector that is killed is gone; leaders that are killed or stand still, with etcd's own leader, are followed by others, and one that wakes writes nothing", async (t) => {
  await using etcd = await EtcdServer.open({ members: 3 });
  const settings = { kind: "etcd", endpoints: etcd.endpoints, compact: false } as const;
  await using store = await WatchedStore.watch(settings, "/leaders");
  await using fleet = new RealFleet(settings, "/leaders", { lease: `${LEASE_MS}ms` });
  const regions = await startTwoRegions(store, fleet);
  const n1 = await fleet.process({ id: "n1", region: "east", roles: ["collector"] });
  const { w2, e2 } = regions;
  await untilEqual("east: e1 > e1 e2 n1, west: w1 > w1 w2", () => rollOf(w2));
  await n1.kill();
  const without = "east: e1 > e1 e2, west: w1 > w1 w2";
  const goneMs = await store.until("it is gone", async () => (await rollOf(w2)) === without);
  t.diagnostic(`it was gone ${goneMs} ms after the kill, of ${3 * REPORT_MS + 2_000}`);
  await untilEqual(without, () => rollOf(e2));
  assert.deepEqual(await grantedLeases(etcd), new Set([LEASE_MS / 1_000]));

  const lost = await etcd.leader();
  const boundMs = 2 * LEASE_MS + 2_000;
  await loseLeaders(regions, { boundMs, alsoLose: () => lost.kill() }, t);
});

/** Of all that nodes hold there, in seconds. */
async function grantedLeases({ endpoints }: EtcdServer): Promise<ReadonlySet<number>> {
  const ask = async (method: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${endpoints[0]!}/v3/lease/${method}`, { method: "POST", body: JSON.stringify(body) });
    return answer.json();
  };
  const { leases } = LeasesView.parse(await ask("leases", {}));
  const granted = leases.map(async ({ ID }) => TimeToLiveView.parse(await ask("timetolive", { ID })).grantedTTL);
  return new Set(await Promise.all(granted));
}
