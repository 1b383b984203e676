import assert from "node:assert/strict";
import test from "node:test";
import { isNotLeader } from "../../src/control/fleet/controller-calls.ts";
import { ConsulServer } from "../support/consul-server.ts";
import { reportOf } from "../support/fleet/reports.ts";
import { WatchedFleet } from "../support/fleet/watched-fleet.ts";

/** Consul has none that is shorter, and ends a session after up to twice as long. */
const LEASE_MS = 10_000;

test("on Consul a leader that is killed is followed by another candidate, and no directive falls behind its leader's", async (t) => {
  await using server = await ConsulServer.open();
  const task = { leaseMs: LEASE_MS, reportIntervalMs: 1_000, adoptAfterMs: 2_000 };
  await using fleet = await WatchedFleet.open(server.settings, task, "/killed");
  const first = fleet.start("a", "eu");
  const leads = async (id: string): Promise<boolean> =>
    (await fleet.leader("region.eu")) === id && (await fleet.leader("global")) === id;
  await fleet.until("a leads", () => leads("a"));
  const second = fleet.start("b", "eu");
  await fleet.until("b stands", async () => (await fleet.standing("region.eu")).length === 2);
  await fleet.until("a decides", async () => fleet.written.at(-1)?.by === "a");
  await first[Symbol.asyncDispose]();
  const tookMs = await fleet.until("b leads", () => leads("b"));
  t.diagnostic(`another one led ${tookMs} ms after the kill, of ${2 * LEASE_MS + 3_000}`);
  await fleet.until("b decides", async () => fleet.written.at(-1)?.by === "b");
  assert.ok(!isNotLeader(await second.ask("report", reportOf("n1", { region: "eu" }))));
  assert.deepEqual(fleet.fallen, []);
});
