import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { Store } from "../../src/store/store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { initFleet } from "../../src/store/recipes/identity.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { spans } from "../delivery/channel-rig.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { freePorts } from "../support/free-port.ts";
import { namesIn } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { until } from "./node-view.ts";

const ITEMS = 40;
/** Nobody who waits is told that it took too long. */
const LIMITS = { request_timeout: "100s", max_timeout: "100s" };
const NEVER = new AbortController().signal;

/** All that the steps of the story need. */
interface Stage {
  readonly etcd: EtcdServer;
  readonly folder: string;
  readonly sink: Sink;
  /** By id: as it was started last. */
  readonly nodes: Map<string, TestNode>;
  /** Where the controller of eu takes data, also after a restart. */
  readonly port: number;
  sent: number;
}

let story: Stage;
const opened = new AsyncDisposableStack();
before(async () => {
  story = await openStage();
});
after(() => opened.disposeAsync());

// One story of a first tier, two gateways, and a node in another region, with one document for all.
test("a first tier feeds the gateways of its fleet, in the same region and in another", () => feeds(story));
test("nodes of a fleet believe each other over how many links something has come, and a circle is named", () =>
  goesRound(story));
test("a goodbye takes a gateway out while data flows, and nothing is lost", () => saysGoodbye(story));
test("a gateway that is back elsewhere is found again", () => comesBack(story));
test("who starts while no controller leads knows the gateways that it knew before", () => restartsAlone(story));
test("a first tier and a gateway that start while the store is away, too, find each other, and nothing is lost", () =>
  restartsWithoutStore(story));
test("when the store is back all find each other without hands", () => storeIsBack(story));

async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-collectors-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = opened.use(await EtcdServer.open());
  const store = opened.use(
    await openStore(
      { kind: "etcd", endpoints: etcd.endpoints, tls: undefined, user: undefined, compact: false },
      { clock: systemClock, random: seededRandom(7), observer: UNOBSERVED },
    ),
  );
  await initFleet({ store, prefix: "/fleet", clock: systemClock }, { id: "t", signal: NEVER });
  const sink = opened.use(await openGrpcSink());
  const [port = 0] = await freePorts(1);
  const stage: Stage = { etcd, folder, sink, nodes: new Map(), port, sent: 0 };
  for (const id of ["g1", "g2", "e1", "far"]) await start(stage, id);
  await publish(store, sink);
  return stage;
}

async function publish(store: Store, sink: Sink): Promise<void> {
  const gateways = { region: "eu", tags: { tier: "gateway" } };
  const found = { collectors: gateways, id: "gateways", health_check: false, slow_start: 0 };
  // On a gateway it leads back to the first tier, on which it stands for itself.
  const below = { ...found, collectors: { region: "eu", tags: { tier: "small" } }, id: "below" };
  const document = {
    targets: [{ id: "sink", endpoint: sink.url }],
    rules: [
      { id: "back", priority: "high", conditions: [{ span_name: "round" }], targets: below, when_down: "hold" },
      { id: "up", targets: found, strategy: { type: "consistent_hash", key: "trace_id" }, when_down: "hold" },
    ],
    default_pool: { targets: ["sink"] },
  };
  const value = Buffer.from(JSON.stringify(document));
  await store.txn({ if: [], then: [{ kind: "put", key: "/fleet/global/config", value }] }, { signal: NEVER });
}

const NODES: Readonly<Record<string, { readonly region: string; readonly tier: string; readonly roles?: string[] }>> = {
  g1: { region: "eu", tier: "gateway" },
  g2: { region: "eu", tier: "gateway", roles: ["collector"] },
  e1: { region: "eu", tier: "small", roles: ["collector"] },
  far: { region: "edge", tier: "small" },
};

/** As before, where it was started before. */
async function start({ etcd, folder, nodes, port }: Stage, id: string): Promise<TestNode> {
  const { tier, ...more } = NODES[id]!;
  const node = {
    id,
    tags: { tier },
    data_dir: join(folder, id),
    coordination: { type: "etcd", endpoints: etcd.endpoints, prefix: "/fleet" },
    fleet: { token: "secret", report_interval: "1s", listen: { address: "127.0.0.1:0" } },
    limits: LIMITS,
    ...(id === "g1" && { listen: { otlp_grpc: { address: `127.0.0.1:${port}` } } }),
    ...more,
  };
  const file = join(folder, `${id}.yaml`);
  const started = opened.use(await startTestNode({ node }, { file, workers: id === "e1" ? 1 : 0 }));
  nodes.set(id, started);
  return started;
}

async function stop({ nodes }: Stage, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await nodes.get(id)?.stop();
}

/** Until a node sends to these. */
async function finds({ nodes }: Stage, id: string, ...wanted: readonly string[]): Promise<void> {
  await until(async () => {
    const target = (await nodes.get(id)?.status())?.targets.find((one) => one.id === "gateways");
    const there = (target?.addresses ?? []).map(({ member }) => member);
    return target !== undefined && String(there) === String(wanted) ? true : undefined;
  });
}

async function send(stage: Stage, id: string): Promise<void> {
  await using sender = new OtlpSender(stage.nodes.get(id)!);
  const calls = Array.from({ length: ITEMS }, () => {
    const trace = ++stage.sent;
    return sender.send("grpc", "traces", spans([{ name: `${trace} `, trace }]));
  });
  const failed = (await Promise.all(calls)).filter(({ ok }) => !ok);
  assert.deepEqual(failed, []);
}

/** All that was sent has come, once. */
function nothingIsLost({ sink, sent }: Stage): void {
  const names = namesIn(sink.requests);
  assert.deepEqual([names.length, new Set(names).size], [sent, sent]);
}

async function feeds(stage: Stage): Promise<void> {
  for (const id of ["e1", "far"]) await finds(stage, id, "g1", "g2");
  // What stands for them stands for nobody on themselves: they go on to the next rule.
  const own = (await stage.nodes.get("g1")!.status()).targets.find(({ id }) => id === "gateways");
  assert.deepEqual([own?.state, own?.reason, own?.addresses], ["down", "is_itself", []]);
  for (const id of ["e1", "far"]) await send(stage, id);
  for (const id of ["g1", "g2"]) assert.ok((await stage.nodes.get(id)!.ledger()).delivered > 0);
  assert.equal((await stage.nodes.get("e1")!.ledger()).delivered, ITEMS);
  nothingIsLost(stage);
}

async function goesRound({ nodes }: Stage): Promise<void> {
  await using sender = new OtlpSender(nodes.get("e1")!);
  const answer = await sender.send("grpc", "traces", spans([{ name: "round", trace: 1 }]), { timeoutMs: 20_000 });
  assert.deepEqual([answer.ok, answer.rejected], [true, 1], answer.message);
  assert.match(answer.message, /would send them back to e1, where they came from \(e1 > g[12] > e1\)/u);
}

async function saysGoodbye(stage: Stage): Promise<void> {
  const flowing = send(stage, "e1");
  await stop(stage, "g2");
  await flowing;
  for (const id of ["e1", "far"]) await finds(stage, id, "g1");
  await send(stage, "e1");
  nothingIsLost(stage);
}

async function comesBack(stage: Stage): Promise<void> {
  const place = stage.nodes.get("g2")!.grpc;
  const again = await start(stage, "g2");
  assert.notEqual(again.grpc, place);
  await finds(stage, "e1", "g1", "g2");
  await send(stage, "e1");
  assert.ok((await again.ledger()).delivered > 0);
  nothingIsLost(stage);
}

/** From its disk: those who could tell of them have ended. */
async function restartsAlone(stage: Stage): Promise<void> {
  await stop(stage, "e1", "g1", "far");
  await start(stage, "e1");
  await finds(stage, "e1", "g1", "g2");
}

async function restartsWithoutStore(stage: Stage): Promise<void> {
  await stop(stage, "e1", "g2");
  await stage.etcd.only.kill();
  const edge = await start(stage, "e1");
  await finds(stage, "e1", "g1", "g2");
  const gateway = await start(stage, "g1");
  assert.equal(gateway.grpc, `127.0.0.1:${stage.port}`);
  // What is for the other one goes where somebody is.
  await send(stage, "e1");
  assert.equal((await edge.ledger()).delivered, ITEMS);
  assert.equal((await gateway.ledger()).delivered, ITEMS);
  nothingIsLost(stage);
}

async function storeIsBack(stage: Stage): Promise<void> {
  await stage.etcd.only.start();
  await start(stage, "g2");
  const { grpc } = stage.nodes.get("g2")!;
  await until(async () => {
    const target = (await stage.nodes.get("e1")!.status()).targets.find(({ id }) => id === "gateways");
    return (target?.addresses ?? []).some(({ address }) => address === grpc) ? true : undefined;
  });
  await finds(stage, "e1", "g1", "g2");
  await send(stage, "e1");
  nothingIsLost(stage);
}
