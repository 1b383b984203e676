import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { sleep, systemClock } from "../../src/core/clock.ts";
import { callApi } from "../admin/api-client.ts";
import { account, Sender } from "../scenario/fault-sender.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import type { FleetNodeProcess } from "../support/fleet/fleet-node-process.ts";
import { type FleetDoc, RealFleet } from "../support/fleet/real-fleet.ts";
import { WatchedStore } from "../support/fleet/watched-store.ts";
import type { TestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { follows, rollOf, run, topologyOf, until, untilEqual, viewOf } from "./node-view.ts";

/**
 * How long etcd is stopped at least. Two minutes: `OUTAGE_SECONDS=120 node
 * test/fleet/nodes-outage.test.ts`.
 */
const OUTAGE_MS = 1_000 * Number(process.env["OUTAGE_SECONDS"] ?? 1);
const LEASE_MS = 5_000;

/** All that the steps of the story need. */
interface Stage {
  readonly etcd: EtcdServer;
  readonly store: WatchedStore;
  readonly fleet: RealFleet;
  readonly sinks: { readonly a: Sink; readonly b: Sink };
  /** Leads; is killed. */
  readonly c1: FleetNodeProcess;
  readonly c2: TestNode;
  /** A collector alone; is killed while the store is away. */
  readonly n1: FleetNodeProcess;
  readonly senders: Map<string, Sender>;
  /** Those whose node was killed, too. */
  readonly allSenders: Sender[];
  /** Since when etcd is away. */
  awayMs: number;
}

let story: Stage;
const opened = new AsyncDisposableStack();
before(async () => {
  story = await openStage();
});
after(() => opened.disposeAsync());

// One story of three nodes on etcd that have load all the time, of which no request may fail. Each
// part has a time of its own, which is plenty on a machine that others use, too.
test("what is published runs on all", (t) => publishes(story, t));
test("what one refuses is told, and what it runs stays", () => oneRefuses(story));
test("a leader that is killed is followed by another", (t) => leaderDies(story, t));
test("with etcd stopped data flows on, and who is killed runs what ran last", () => storeIsAway(story));
test("when etcd is back, all find together without hands", (t) => storeIsBack(story, t));
test("no request has failed, and nothing is lost", async () => {
  for (const sender of story.senders.values()) await sender.stop();
  const { lost } = account(story.allSenders, [story.sinks.a, story.sinks.b]);
  assert.deepEqual([lost, story.allSenders.flatMap(({ failures }) => failures)], [0, []]);
});

async function openStage(): Promise<Stage> {
  const etcd = opened.use(await EtcdServer.open());
  const sinks = { a: opened.use(await openGrpcSink()), b: opened.use(await openGrpcSink()) };
  const settings = { kind: "etcd", endpoints: etcd.endpoints, compact: false } as const;
  const store = opened.use(await WatchedStore.watch(settings, "/outage"));
  const fleet = opened.use(new RealFleet(settings, "/outage", { lease: `${LEASE_MS}ms` }));
  await fleet.publish(documentOf(sinks, "[a]"), "--init");
  const limits = { request_timeout: "100s", max_timeout: "100s" };
  const more = { secrets: { env: ["FLEET_*"] }, limits };
  const env = { FLEET_TOKEN: "s3cret" };
  const c1 = await fleet.process({ id: "c1", region: "eu", more, env });
  await follows(c1, "c1");
  const c2 = await fleet.inProcess({ id: "c2", region: "eu", more, env });
  const n1 = await fleet.process({ id: "n1", region: "eu", roles: ["collector"], more });
  for (const node of [c2, n1]) await follows(node, "c1");
  await untilEqual("eu: c1 > c1 c2 n1", () => rollOf(c2));
  const stage: Stage = { etcd, store, fleet, sinks, c1, c2, n1, senders: new Map(), allSenders: [], awayMs: 0 };
  for (const [id, node] of Object.entries({ c1, c2, n1 })) load(stage, id, node);
  await flows(stage);
  return stage;
}

function documentOf({ a, b }: Stage["sinks"], targets: string, header = ""): FleetDoc {
  return {
    targets: [
      { id: "a", endpoint: a.url },
      { id: "b", endpoint: b.url, ...(header !== "" && { headers: { "x-token": header } }) },
    ],
    pools: { main: { targets: targets.slice(1, -1).split(", ") } },
    default_pool: "main",
  };
}

/** From now on a node has load; no request of it may fail. */
function load(stage: Stage, id: string, { grpc }: { readonly grpc: string }): void {
  const source = stage.allSenders.length + 1;
  const sender = new Sender({ via: "grpc", address: grpc, source, service: id, parallel: 1, pauseMs: 250 }).start();
  opened.use(sender);
  stage.senders.set(id, sender);
  stage.allSenders.push(sender);
}

/** Whoever sends to a node waits for its answers, and goes elsewhere. */
async function unload({ senders }: Stage, id: string): Promise<void> {
  await senders.get(id)?.stop();
  senders.delete(id);
}

/** Each node has taken more; nothing has failed. */
async function flows({ senders }: Stage): Promise<void> {
  await Promise.all([...senders.values()].map((sender) => sender.progress(2)));
}

async function publishes(stage: Stage, t: TestContext): Promise<void> {
  const { fleet, sinks, c1, c2, n1 } = stage;
  const fromMs = systemClock.nowMs();
  await fleet.publish(documentOf(sinks, "[a, b]"), "--note", "both");
  await run([c1, c2, n1], 2);
  t.diagnostic(`all ran what was published ${Math.round(systemClock.nowMs() - fromMs)} ms after the command began`);
  await sinks.b.until(({ accepted }) => accepted > 0);
  await flows(stage);
}

/** Only n1 has no such variable. */
async function oneRefuses(stage: Stage): Promise<void> {
  const { fleet, sinks, c1, c2, n1 } = stage;
  const document = documentOf(sinks, "[a, b]", "${env:FLEET_TOKEN}");
  const asked = await fleet.apply(document, "--url", `http://${n1.admin}`);
  assert.equal(asked.code, 3, asked.err);
  assert.match(asked.err, /FLEET_TOKEN/u);
  assert.equal((await viewOf(c1)).config.version, 2);

  await fleet.publish(document);
  await run([c1, c2], 3);
  const { config } = await until(async () => {
    const view = await viewOf(n1);
    return view.config.fleet?.acknowledged?.version === 3 ? view : undefined;
  });
  assert.deepEqual([config.version, config.fleet?.acknowledged?.result], [2, "invalid"]);
  assert.match(config.fleet?.trouble?.reason ?? "", /FLEET_TOKEN/u);
  await n1.logged(({ msg }) => String(msg).startsWith("config not applied"));
  await untilEqual("3 3 2", () => versionsIn(c2));
  await flows(stage);
  const back = await fleet.cli("config", "rollback", "2", "--url", `http://${c2.admin}`);
  assert.equal(back.code, 0, back.err);
  await run([c1, c2, n1], 4);
  await untilEqual("4 4 4", () => versionsIn(c2));
  assert.equal((await viewOf(n1)).config.fleet?.trouble, null);
}

/** What its controller says that the collectors run, in the order of their ids. */
async function versionsIn(node: TestNode): Promise<string> {
  const regions = (await topologyOf(node))?.regions ?? [];
  return regions.flatMap(({ collectors }) => collectors.map((one) => one.config_version)).join(" ");
}

async function leaderDies(stage: Stage, t: TestContext): Promise<void> {
  const { store, c1, c2, n1 } = stage;
  await unload(stage, "c1");
  await c1.kill();
  const tookMs = await store.until("c2 leads", async () => (await store.leader("region.eu")) === "c2");
  t.diagnostic(`another one led ${tookMs} ms after the kill, of ${LEASE_MS + 2_000}`);
  for (const node of [c2, n1]) await follows(node, "c2");
  await untilEqual("eu: c2 > c2 n1", () => rollOf(n1));
  await flows(stage);
}

/** Who was killed before and who is killed now start without it, with what they ran last. */
async function storeIsAway(stage: Stage): Promise<void> {
  const { etcd, c1, n1 } = stage;
  await etcd.only.kill();
  stage.awayMs = systemClock.nowMs();
  await flows(stage);
  await unload(stage, "n1");
  await n1.kill();
  await Promise.all([c1, n1].map((node) => node.start()));
  for (const node of [c1, n1]) {
    const { config } = await viewOf(node);
    assert.deepEqual([config.version, config.fleet?.from], [4, "disk"]);
    assert.equal((await callApi(node.admin, "/readyz")).status, 200);
    load(stage, node.id, node);
  }
  await flows(stage);
}

async function storeIsBack(stage: Stage, t: TestContext): Promise<void> {
  const { etcd, store, fleet, sinks, c1, c2, n1 } = stage;
  const leftMs = OUTAGE_MS - (systemClock.nowMs() - stage.awayMs);
  if (leftMs > 0) await sleep(systemClock, leftMs, new AbortController().signal);
  await flows(stage);
  t.diagnostic(`etcd was away for ${Math.round((systemClock.nowMs() - stage.awayMs) / 1_000)} s`);
  await etcd.only.start();
  const backMs = systemClock.nowMs();
  // It says that it serves a moment before it does.
  const leader = await until(() => store.leader("region.eu").catch(() => undefined));
  await fleet.publish(documentOf(sinks, "[b]"));
  await run([c1, c2, n1], 5);
  await until(async () => {
    const seen = await Promise.all([c1, c2, n1].map(rollOf));
    return new Set(seen).size === 1 && /^eu: c[12] > c1 c2 n1$/u.test(seen[0] ?? "") ? true : undefined;
  });
  assert.ok(["c1", "c2"].includes(leader));
  t.diagnostic(`all was as before ${Math.round((systemClock.nowMs() - backMs) / 1_000)} s after it was back`);
  await flows(stage);
  assert.deepEqual(store.fallen, []);
}
