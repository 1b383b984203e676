/**
 * A fleet inside a program: a store, a node that is its controller and its collector, a region with
 * settings of its own, topology, load, a registry, an election, a lock and settings that many
 * follow; and an end that leaves nothing held. Ends by itself:
 *
 * `node examples/distributed-control.ts` has a store of its own, in a temporary folder;
 * `node examples/distributed-control.ts etcd http://127.0.0.1:2379` has etcd, where the same fleet
 * is found again; a third argument is the prefix of its keys. With `--stay` it goes on until
 * Ctrl-C.
 *
 * In a program of your own, import from "signalbox": all else stays as it is. This one takes the
 * source beside it, so that it runs in a checkout that was not built.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createElection,
  createLock,
  createLog,
  createRegistry,
  createSharedConfig,
  initFleet,
  listLocks,
  type OpenedStore,
  openStore,
  openTargets,
  type RunningNode,
  startNode,
  systemClock,
  systemRandom,
  textSource,
} from "../src/index.ts";

const words = process.argv.slice(2).filter((word) => word !== "--stay");
const [kind = "embedded", endpoint = "http://127.0.0.1:2379", prefix = "/otlp-example"] = words;
const folder = mkdtempSync(join(tmpdir(), "signalbox-example-"));
const dataDir = join(folder, "node-1");
/** Aborted when the program is to end: whoever waits for something ends then. */
const ending = new AbortController();
const { signal } = ending;

/**
 * What all nodes of the fleet share: what is to be kept goes to `next`, which need not be there,
 * since the program sends nothing of it; all else is dropped.
 */
const FLEET = {
  targets: [{ id: "next", endpoint: "http://127.0.0.1:14317" }],
  rules: [{ id: "kept", conditions: [{ service_name: "kept" }], targets: ["next"] }],
  unmatched: "drop",
};

/** How this region differs, as `regions` of a config says it. */
const REGION = {
  sampling_rate: 0.1,
  routing_preference: ["region-1"],
  buffer_size: 10_000,
  batch: { max_items: 100, max_wait: "100ms" },
  retry: { max_retries: 3, initial: "100ms", max: "10s" },
};

function open(): Promise<OpenedStore> {
  if (kind === "etcd") return openStore({ kind, endpoints: [endpoint], compact: false }, { prefix });
  return openStore({ kind: "embedded", file: join(dataDir, "store.sqlite") }, { prefix });
}

/** The fleet's identity, and where the store has its config, a first one. */
async function formFleet(place: OpenedStore): Promise<void> {
  console.log(`\nFleet (${kind} store):`);
  const made = await initFleet(place, { id: "example", signal, by: "the example" });
  console.log(`  fleet example: ${made.kind}`);
  if (kind === "embedded") return; // the node's own config is the fleet's
  const config = createSharedConfig(place);
  if ((await config.current({ signal })).kind !== "none") return;
  await config.publish(JSON.stringify(FLEET), { signal, expected: 0, by: "the example", note: "the first" });
}

/** Receives, and stands for controller of its region and of the fleet. */
async function start(): Promise<RunningNode> {
  const free = { address: "127.0.0.1:0" };
  const store = kind === "etcd" ? { type: "etcd", endpoints: [endpoint] } : { type: "embedded" };
  const node = {
    id: "node-1",
    region: "region-1",
    data_dir: dataDir,
    listen: { otlp_grpc: free, otlp_http: free, admin: free },
    fleet: { listen: free },
    coordination: { ...store, prefix },
    load: { interval: "100ms", history_size: 600 },
    log: { level: "error" },
  };
  const text = JSON.stringify({ node, ...(kind === "embedded" && FLEET) });
  const source = textSource(text, { name: "distributed-control", folder, file: undefined }, process.env);
  const { config, problems } = source.load(text);
  if (config === undefined) throw new Error(JSON.stringify(problems));
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLog({ clock: systemClock, write, level: "error", format: "text", colour: false });
  return startNode(config, { clock: systemClock, random: systemRandom, log, source });
}

/** Asks until there is an answer: a fleet forms within a second or so. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    await sleep(50);
  }
}

async function showLeaders({ seats }: RunningNode): Promise<void> {
  console.log("\nControllers:");
  const { global, regions } = await until(async () => {
    const leaders = await seats.leaders({ signal });
    const ofRegion = leaders.regions["region-1"] ?? null;
    return leaders.global !== null && ofRegion !== null ? leaders : undefined;
  });
  console.log(`  the fleet is led by ${global?.id}, region-1 by ${regions["region-1"]?.id}`);
}

/** As `signalbox regions add` does: checked, kept as a version, applied by all nodes of it. */
async function registerRegion({ table }: RunningNode): Promise<void> {
  console.log("\nRegion:");
  const kindOf = (await table.element("regions", "region-1")) === undefined ? "add" : "put";
  const change = { author: "the example", note: "region-1 has its own settings" };
  const edit = { kind: kindOf, section: "regions", id: "region-1", value: REGION } as const;
  const { kind: outcome } = await table.edit(edit, undefined, false, change);
  const region = await table.element("regions", "region-1");
  console.log(`  region-1: ${outcome}, ${JSON.stringify(region?.value)}`);
}

async function showTopology({ topology }: RunningNode): Promise<void> {
  console.log("\nTopology:");
  const view = await until(async () => {
    const now = await topology.read({ limit: 10, signal });
    return now.regions.some(({ health }) => health === "healthy") ? now : undefined;
  });
  for (const { id, health, collectors } of view.regions) {
    console.log(`  ${id}: ${health}, ${collectors.map((one) => `${one.id} at ${one.address}`).join(", ")}`);
  }
  const criteria = { load: 0.4, latency: 0.3, capacity: 0.3 };
  const best = await until(() => topology.best({ region: "region-1", criteria, signal }));
  console.log(`  best to send to: ${best.collector.id}`);
}

/** Real data through a real choice: by load and latency, among the ways to the node. */
async function showLoad({ addresses, load }: RunningNode): Promise<void> {
  console.log("\nLoad:");
  await using targets = await openTargets([
    { id: "grpc", endpoint: `http://${addresses.otlpGrpc}` },
    { id: "http", endpoint: `http://${addresses.otlpHttp}`, protocol: "http/protobuf" },
  ]);
  const balancer = targets.balancer({ type: "load_latency", loadWeight: 0.7, latencyWeight: 0.3 });
  const request = Buffer.from("0a0412021200", "hex"); // one span without anything
  let accepted = 0;
  for (let i = 0; i < 20; i++) {
    const outcome = await targets.send(balancer.next() ?? "grpc", "traces", request);
    if (outcome.kind === "accepted") accepted++;
  }
  console.log(`  sent: 20, accepted: ${accepted}`);
  await until(async () => load.history().find((sample) => sample.items_per_second > 0));
  const { method } = load.forecast(60_000);
  console.log(`  seen by the monitor: yes; forecast for a minute: by ${method}`);
}

/** Found by name while it is there, with health of its own. */
async function register(place: OpenedStore, node: RunningNode): Promise<AsyncDisposable> {
  console.log("\nRegistry:");
  const registry = createRegistry(place);
  const info = { region: "region-1", capacity: 1_000, version: "1.0.0", metadata: { tier: "example" } };
  const collector = { ...info, id: "collector-1", name: "otlp-collector", address: `${node.addresses.otlpGrpc}` };
  const registration = await registry.register(collector, { signal });
  await registration.heartbeat({ state: "healthy" }, { signal });
  for await (const { members } of registry.watch({ signal })) {
    const found = members.filter(({ name }) => name === "otlp-collector");
    if (found.length === 0) continue;
    console.log(`  otlp-collector: ${found.map(({ id, health }) => `${id} is ${health.state}`).join(", ")}`);
    break;
  }
  return registration;
}

/** Two stand for it; when the first one resigns the other leads, by a higher epoch. */
async function elect(place: OpenedStore): Promise<AsyncDisposable> {
  console.log("\nElection:");
  const election = createElection(place, "otlp-controller");
  const first = await election.campaign("10.0.0.1:4321", { signal, id: "node-1" });
  const second = election.campaign("10.0.0.2:4321", { signal, id: "node-2" });
  for await (const leader of election.observe({ signal })) {
    if (leader.kind !== "leader") continue;
    console.log(`  ${leader.id} leads, at ${leader.value}`);
    if (leader.id === "node-2") break;
    await first.resign();
  }
  const next = await second;
  console.log(`  its epoch is higher: ${next.epoch > first.epoch}; the first one knows: ${first.lost.aborted}`);
  return { [Symbol.asyncDispose]: () => next.resign() };
}

/** One of many does it, and whatever it writes is refused once it has lost the lock. */
async function work(place: OpenedStore): Promise<void> {
  console.log("\nLock:");
  await using guard = await createLock(place, "compact", { holder: "node-1" }).acquire({ signal });
  const key = `${prefix}/example/compacted`;
  const note = { kind: "put", key, value: Buffer.from("done") } as const;
  const { done } = await guard.guarded({ if: [], then: [note] }, { signal: guard.lost });
  const { seats } = await listLocks(place, { signal });
  console.log(
    `  ${seats.map(({ name, holder }) => `${name} is held by ${holder}`).join(", ")}; written under it: ${done}`,
  );
}

/** What agents of the program follow: versions, told whenever another one runs. */
async function follow(place: OpenedStore): Promise<void> {
  console.log("\nSettings that many follow:");
  const settings = createSharedConfig(
    { ...place, prefix: `${prefix}/agents` },
    { check: (text) => (/^level: \w+$/mu.test(text) ? [] : ["it has no level"]) },
  );
  const { kind: wrong } = await settings.publish("nothing", { signal });
  console.log(`  without a level: ${wrong}`);
  const texts = ["level: info\n", "level: debug\n"];
  await settings.publish(texts[0]!, { signal, by: "the example" });
  for await (const news of settings.watch({ signal })) {
    if (news.kind !== "version") continue;
    console.log(`  ${news.version.text.trim()}`);
    if (news.version.text === texts[1]) break;
    await settings.publish(texts[1]!, { signal, by: "the example", note: "something is to be found" });
  }
}

async function main(): Promise<void> {
  console.log("=== Distributed control ===");
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const place = opened.use(await open());
  await formFleet(place);
  const node = opened.use(await start());
  await showLeaders(node);
  await registerRegion(node);
  await showTopology(node);
  await showLoad(node);
  opened.use(await register(place, node));
  opened.use(await elect(place));
  await work(place);
  await follow(place);
  if (process.argv.includes("--stay")) {
    console.log("\nRuns until Ctrl-C ..");
    await once(process, "SIGINT");
  }
  // What was opened last ends first: the lead is resigned, the member deregistered, and the node
  // says goodbye.
}

await main();
ending.abort();
console.log("\nDone: nothing is held any more.");
