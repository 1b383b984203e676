/**
 * One sampling budget of a whole fleet, inside a program: two nodes share a store, all load comes
 * to one of them, and together they keep what `target_qps` says, before and after five times as
 * much comes. Ends by itself, in half a minute or so, and in four minutes with a fault:
 *
 * `node examples/fleet-sampling.ts` has an embedded store in a temporary folder, which both nodes
 * name; `node examples/fleet-sampling.ts etcd http://127.0.0.1:2379` has etcd; a third argument
 * is the prefix of its keys.
 *
 * In a program of your own, import from "signalbox": all else stays as it is. This one takes the
 * source beside it, so that it runs in a checkout that was not built.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createLog,
  createSharedConfig,
  initFleet,
  type OpenedStore,
  openStore,
  type RunningNode,
  startNode,
  systemClock,
  systemRandom,
  textSource,
} from "../src/index.ts";

const [kind = "embedded", endpoint = "http://127.0.0.1:2379", prefix = "/sampling-example"] = process.argv.slice(2);
if (kind !== "embedded" && kind !== "etcd") {
  throw new Error(`the first argument is embedded or etcd; got "${kind}"`);
}
const folder = mkdtempSync(join(tmpdir(), "signalbox-sampling-"));
const storeFile = join(folder, "store.sqlite");
/** Items a second that the fleet is to keep. */
const TARGET = 100;
const { signal } = new AbortController();

/** Where what is kept goes to: it takes everything. */
async function openSink(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return { url: `http://127.0.0.1:${address.port}`, server };
}

/** What all nodes of the fleet run: payments are kept, of all else as much as the target leaves. */
function fleetConfig(sink: string): object {
  const protectedRule = { priority: "high", rate: 1, services: ["payment"] };
  return {
    targets: [{ id: "sink", endpoint: sink, protocol: "http/protobuf" }],
    default_pool: { targets: ["sink"] },
    global: {
      sampling_strategies: [
        { type: "priority_based", rules: [protectedRule] },
        { type: "adaptive", min_rate: 0.001, max_rate: 1, target_qps: TARGET },
      ],
    },
  };
}

function open(): Promise<OpenedStore> {
  if (kind === "etcd") return openStore({ kind, endpoints: [endpoint], compact: false }, { prefix });
  return openStore({ kind: "embedded", file: storeFile }, { prefix });
}

/** A receiver, which stands for controller as well. */
async function start(id: string, config: object): Promise<RunningNode> {
  const dataDir = join(folder, id);
  mkdirSync(dataDir);
  const free = { address: "127.0.0.1:0" };
  const store = kind === "etcd" ? { type: kind, endpoints: [endpoint] } : { type: kind, file: storeFile };
  const node = {
    id,
    region: "region-1",
    data_dir: dataDir,
    listen: { otlp_grpc: false, otlp_http: free, admin: free },
    fleet: { listen: free, report_interval: "1s" },
    coordination: { ...store, prefix },
    log: { level: "error" },
  };
  const text = JSON.stringify({ node, ...(kind === "embedded" && config) });
  const source = textSource(text, { name: id, folder, file: undefined }, process.env);
  const { config: own, problems } = source.load(text);
  if (own === undefined) throw new Error(JSON.stringify(problems));
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLog({ clock: systemClock, write, level: "error", format: "text", colour: false });
  return startNode(own, { clock: systemClock, random: systemRandom, log, source });
}

/** So many spans of a service, each of a trace of its own. */
function spansOf(service: string, count: number): object {
  const attributes = [{ key: "service.name", value: { stringValue: service } }];
  const spans = Array.from({ length: count }, () => ({
    name: "GET /",
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
  }));
  return { resource: { attributes }, scopeSpans: [{ spans }] };
}

/** Sends to a node for ever, ten times a second: 10 payments a second, and so much of all else. */
async function send(node: RunningNode, load: { perSecond: number }, ending: AbortSignal): Promise<void> {
  const url = `http://${node.addresses.otlpHttp}/v1/traces`;
  const headers = { "content-type": "application/json" };
  // What a machine that stood still did not send is not sent at once.
  for (let dueMs = performance.now(); !ending.aborted; dueMs = Math.max(dueMs + 100, performance.now() - 500)) {
    const resourceSpans = [spansOf("payment", 1), spansOf("cart", load.perSecond / 10)];
    const reply = await fetch(url, { method: "POST", headers, body: JSON.stringify({ resourceSpans }) });
    if (!reply.ok) throw new Error(`${node.addresses.otlpHttp}: ${reply.status} ${await reply.text()}`);
    await reply.arrayBuffer();
    await sleep(Math.max(0, dueMs + 100 - performance.now()), undefined, { signal: ending }).catch(() => undefined);
  }
}

/** What a node says of sampling: `signalbox sampling get -o json`. */
interface Sampling {
  /** `directive`: the leader has decided, and it holds. */
  readonly stage: string;
  readonly classes: readonly SampledClass[];
  readonly strategies: readonly { readonly state: string }[];
}

interface SampledClass {
  readonly class: string;
  readonly probability: number;
  /** Of what comes to this node. */
  readonly received_per_second: number | null;
  readonly kept_per_second: number | null;
}

async function samplingOf(node: RunningNode): Promise<Sampling> {
  const reply = await fetch(`http://${node.addresses.admin}/api/v1/sampling`);
  return (await reply.json()) as Sampling;
}

function rateIn({ classes }: Sampling, name: string): number {
  return classes.find((one) => one.class === name)?.probability ?? 1;
}

function sumOf(views: readonly Sampling[], what: "received_per_second" | "kept_per_second"): number {
  return views.flatMap(({ classes }) => classes).reduce((sum, one) => sum + (one[what] ?? 0), 0);
}

/** Between two looks, between two lines about them, and all of them. */
const [LOOK_MS, TELL_MS, LONGEST_MS] = [250, 5_000, 120_000];

/** Waits until all nodes keep the same, and the fleet keeps what it is to keep of this load. */
async function settled(nodes: readonly RunningNode[], perSecond: number): Promise<readonly Sampling[]> {
  const fromMs = performance.now();
  for (let tellMs = fromMs + TELL_MS; ; ) {
    const views = await Promise.all(nodes.map(samplingOf));
    const [received, kept] = [sumOf(views, "received_per_second"), sumOf(views, "kept_per_second")];
    const rates = views.map((view) => rateIn(view, "normal"));
    const isDecided = views.every(({ stage }) => stage === "directive");
    const isSeen = Math.abs(received - perSecond) < 0.1 * perSecond;
    const isKept = Math.abs(kept - TARGET) < 0.1 * TARGET;
    if (isDecided && isSeen && isKept && new Set(rates).size === 1) return views;
    const stages = views.map(({ stage }, i) => `${stage} ${rates[i]!.toFixed(2)}`).join(", ");
    const state = `${Math.round(received)} of ${perSecond} spans a second are seen, ${Math.round(kept)} kept (${stages})`;
    if (performance.now() - fromMs > LONGEST_MS) throw new Error(`not settled after ${LONGEST_MS / 1_000} s: ${state}`);
    if (performance.now() >= tellMs) {
      console.log(`  .. ${state}`);
      tellMs += TELL_MS;
    }
    await sleep(LOOK_MS);
  }
}

function show(nodes: readonly string[], views: readonly Sampling[], perSecond: number): void {
  console.log(`\n${perSecond} spans a second come, all but 50 of them to ${nodes[0]}:`);
  for (const [i, view] of views.entries()) {
    const [payments, rest] = ["high", "normal"].map((name) => rateIn(view, name).toFixed(2));
    console.log(`  ${nodes[i]}: payments ${payments}, all else ${rest}`);
  }
  const kept = Math.round(sumOf(views, "kept_per_second"));
  console.log(`  the fleet keeps ${kept} of ${TARGET} spans a second: ${views[0]!.strategies[0]?.state}`);
}

async function main(): Promise<void> {
  console.log("=== Fleet sampling ===");
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const sink = await openSink();
  opened.defer(() => void sink.server.close());
  const config = fleetConfig(sink.url);
  const place = opened.use(await open());
  await initFleet(place, { id: "sampling", signal, by: "the example" });
  if (kind === "etcd") await createSharedConfig(place).publish(JSON.stringify(config), { signal, by: "the example" });
  const names = ["node-1", "node-2"];
  const nodes = [opened.use(await start("node-1", config)), opened.use(await start("node-2", config))];
  console.log(`\n${names.join(" and ")} share a budget of ${TARGET} spans a second (${kind} store)`);
  const ending = new AbortController();
  const much = { perSecond: 140 };
  const little = { perSecond: 40 };
  const senders = Promise.all([send(nodes[0]!, much, ending.signal), send(nodes[1]!, little, ending.signal)]);
  // Ends before the nodes do, whatever happens.
  opened.defer(async () => {
    ending.abort();
    // Whose fault ended the program is told already.
    await senders.catch(() => undefined);
  });
  show(names, await Promise.race([settled(nodes, 200), never(senders)]), 200);
  much.perSecond = 940;
  show(names, await Promise.race([settled(nodes, 1_000), never(senders)]), 1_000);
}

/** Senders end only with a fault. */
async function never(senders: Promise<unknown>): Promise<never> {
  await senders;
  throw new Error("the senders have ended");
}

await main();
console.log("\nDone");
