import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import { isNotLeader } from "../../src/control/fleet/controller-calls.ts";
import type { StoreSettings } from "../../src/store/store.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { reportOf } from "../support/fleet/reports.ts";
import { WatchedFleet } from "../support/fleet/watched-fleet.ts";

const TASK = { leaseMs: 3_000, reportIntervalMs: 1_000, adoptAfterMs: 2_000 };
const EU = "region.eu";

let server: EtcdServer;
let settings: StoreSettings;
before(async () => {
  server = await EtcdServer.open();
  settings = { kind: "etcd", endpoints: server.endpoints, compact: false };
});
after(() => server[Symbol.asyncDispose]());

// Each waits for leases to end: together they wait once.
suite("controllers on etcd", { concurrency: true }, () => {
  test(
    "a leader that is killed is followed by another candidate, which serves the region, and no directive falls behind its leader's",
    killed,
  );
  test(
    "a leader that was stopped past its lease and goes on writes nothing, and tells those who wait who leads",
    stopped,
  );
  test("a collector that reports no more is gone from its region's members, and from its summary", silent);
  test(
    "a region whose controllers are all gone is adopted by the leader of the fleet, and given back to the next one",
    adopted,
  );
});

async function killed(t: TestContext): Promise<void> {
  await using fleet = await WatchedFleet.open(settings, TASK, "/killed");
  const first = fleet.start("a", "eu");
  await fleet.until("a leads", async () => (await fleet.leader(EU)) === "a" && (await fleet.leader("global")) === "a");
  const second = fleet.start("b", "eu");
  await fleet.until("b stands", async () => (await fleet.standing(EU)).length === 2);
  await fleet.until("there are directives", async () => fleet.written.length > 3);
  await first[Symbol.asyncDispose]();
  const tookMs = await fleet.until("b leads", async () => (await fleet.leader(EU)) === "b");
  t.diagnostic(`another one led ${tookMs} ms after the kill, of ${TASK.leaseMs + 2_000}`);
  await fleet.until("b serves", async () => (await second.ask("leads")).regions.includes("eu"));
  const reply = await second.ask("report", reportOf("n1", { region: "eu" }));
  assert.ok(!isNotLeader(reply));
  await fleet.until("b decides", async () => fleet.written.at(-1)?.by === "b");
  const { directives } = await fleet
    .until("b passes on", async () => fleet.written.at(-1)?.by === "b")
    .then(async () => {
      const answer = await second.ask("await", { protocol: 1, id: "n1", known: {} });
      assert.ok(!isNotLeader(answer));
      return answer;
    });
  assert.equal(directives.find(({ scope }) => scope === "counter")?.body?.startsWith("b "), true);
  assert.deepEqual(fleet.fallen, []);
}

async function stopped(): Promise<void> {
  await using fleet = await WatchedFleet.open(settings, TASK, "/stopped");
  const first = fleet.start("a", "eu");
  await fleet.until("a leads", async () => (await fleet.leader(EU)) === "a" && (await fleet.leader("global")) === "a");
  const second = fleet.start("b", "eu");
  await fleet.until("b stands", async () => (await fleet.standing("global")).length === 2);
  await first.ask("report", reportOf("n1", { region: "eu" }));
  await fleet.until("a has written", async () => (await fleet.summary("eu"))?.controller === "a");
  const held = first.ask("await", { protocol: 1, id: "n1", known: { counter: { epoch: "9.1", seq: 1 } } });
  await fleet.until("there are directives", async () => fleet.written.length > 3);
  first.stop();
  await fleet.until("b leads", async () => (await fleet.leader(EU)) === "b" && (await fleet.leader("global")) === "b");
  await second.ask("report", reportOf("n1", { region: "eu", seq: 2 }));
  await fleet.until("b has written", async () => (await fleet.summary("eu"))?.controller === "b");
  await fleet.until("b has decided", async () => fleet.written.at(-1)?.by === "b");
  const from = fleet.written.length;
  first.goOn();
  assert.ok(isNotLeader(await held));
  const leads = await first.ask("leads");
  assert.deepEqual(leads, { global: false, regions: [] });
  assert.ok(isNotLeader(await first.ask("report", reportOf("n2", { region: "eu" }))));
  await fleet.until("b goes on", async () => fleet.written.length > from + 5);
  assert.deepEqual([...new Set(fleet.written.slice(from).map(({ by }) => by))], ["b"]);
  assert.equal((await fleet.summary("eu"))?.controller, "b");
  assert.deepEqual(fleet.fallen, []);
}

async function silent(): Promise<void> {
  await using fleet = await WatchedFleet.open(settings, TASK, "/gone");
  const one = fleet.start("a", "eu");
  await fleet.until("a leads", async () => (await one.ask("leads").catch(() => undefined))?.regions[0] === "eu");
  let seq = 0;
  const ids = async (): Promise<readonly string[]> => {
    await one.ask("report", reportOf("lives", { region: "eu", seq: ++seq }));
    const reply = await one.ask("members", { protocol: 1, region: "eu", limit: 10 });
    assert.ok(!isNotLeader(reply));
    return reply.members.map(({ id }) => id);
  };
  await one.ask("report", reportOf("dies", { region: "eu" }));
  assert.deepEqual(await ids(), ["dies", "lives"]);
  await fleet.until("it is gone", async () => (await ids()).length === 1);
  await fleet.until("the summary says so", async () => {
    await ids();
    return (await fleet.summary("eu"))?.numbers.collectors === 1;
  });
}

async function adopted(): Promise<void> {
  await using fleet = await WatchedFleet.open(settings, TASK, "/adopted");
  const eu = fleet.start("a", "eu");
  await fleet.until("a leads the fleet", async () => (await fleet.leader("global")) === "a");
  const us = fleet.start("u", "us");
  await fleet.until("u leads", async () => (await us.ask("leads")).regions[0] === "us");
  assert.ok(isNotLeader(await eu.ask("report", reportOf("n1", { region: "us" }))));
  await us[Symbol.asyncDispose]();
  await fleet.until("a serves us", async () => {
    const reply = await eu.ask("report", reportOf("n1", { region: "us" }));
    return !isNotLeader(reply);
  });
  await fleet.until("its summary says so", async () => (await fleet.summary("us"))?.adopted === true);
  const next = fleet.start("v", "us");
  await fleet.until("v serves us", async () => (await next.ask("leads")).regions[0] === "us");
  await fleet.until("a does so no more", async () => {
    const reply = await eu.ask("report", reportOf("n1", { region: "us", seq: 2 }));
    return isNotLeader(reply) && reply.leader?.id === "v";
  });
}
