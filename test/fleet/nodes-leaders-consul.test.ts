import { test } from "node:test";
import { ConsulServer } from "../support/consul-server.ts";
import { RealFleet } from "../support/fleet/real-fleet.ts";
import { WatchedStore } from "../support/fleet/watched-store.ts";
import { loseLeaders, startTwoRegions } from "./lost-leaders.ts";

/** Consul has none that is shorter, and ends a session after up to twice as long. */
const LEASE_MS = 10_000;

test("nodes on Consul: leaders that are killed or stand still are followed by others, and one that wakes writes nothing", async (t) => {
  await using consul = await ConsulServer.open();
  await using store = await WatchedStore.watch(consul.settings, "/leaders");
  await using fleet = new RealFleet(consul.settings, "/leaders", { lease: `${LEASE_MS}ms` });
  const regions = await startTwoRegions(store, fleet);
  await loseLeaders(regions, { boundMs: 2 * LEASE_MS + 3_000 }, t);
});
