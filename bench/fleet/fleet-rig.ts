import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { GLOBAL_ELECTION } from "../../src/control/coordination/seats.ts";
import { readCandidates } from "../../src/control/region/candidates.ts";
import { openStore } from "../../src/store/open-store.ts";
import { configKeys, decodePointer } from "../../src/store/recipes/config-record.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { watchEntries } from "../../src/store/recipes/watched.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { EtcdServer } from "../../test/support/etcd-server.ts";
import { BASE, type Case } from "../case.ts";
import { type LoadProcess, openLoad, openSink, type SinkProcess } from "../child.ts";
import { openFolder } from "../folder.ts";
import { loadArguments, marked } from "../load-run.ts";
import type { LoadCounts } from "../messages.ts";
import { notTaken } from "../not-taken.ts";
import { applyToFleet, type BenchFleetPlace, type BenchNode, FLEET_PREFIX, startBenchNode } from "./bench-nodes.ts";

export interface FleetApply {
  /** The whole command. */
  readonly commandMs: number;
  /** From when the store has it until the last node says that it runs it. */
  readonly allMs: number;
}

export interface FleetLoad {
  readonly seconds: number;
  readonly requests: number;
  readonly itemsPerSecond: number;
  /** Refused, reset, or never answered. */
  readonly failed: number;
}

export const NODE_IDS = ["n1", "n2", "n3"];
const RUN: Case = { ...BASE, name: "fleet", title: "", connections: 4, streams: 8 };
const WITHIN_MS = 40_000;
const LOOK_MS = 10;

/** Nodes, with a load on each. */
export interface FleetRig extends AsyncDisposable {
  readonly nodes: readonly BenchNode[];
  /** On each node; 0: as fast as it goes. Ends with the function that it gives. */
  begin(requestsPerSecond: number): Promise<() => Promise<FleetLoad>>;
  apply(): Promise<FleetApply>;
  leader(): Promise<string | undefined>;
  sum(metric: string): Promise<number>;
  /** Whether each span that was acknowledged has arrived. */
  allThere(): Promise<boolean>;
}

/** Ready when all nodes run the first version of the config. */
export async function openFleetRig(workers: number): Promise<FleetRig> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(openFolder());
  const server = parts.use(await EtcdServer.open({ isOnDisk: true }));
  const { endpoints } = server;
  const sink = parts.use(await openSink({ protocol: RUN.protocol, signal: RUN.signal, ports: 2, tls: undefined }));
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  const run = { ...RUN, workers };
  const at: BenchFleetPlace = { endpoints, folder: folder.path, run, sinks: [a, b] };
  const world = { clock: systemClock, random: systemRandom };
  const store = parts.use(
    await openStore({ kind: "etcd", endpoints, compact: false }, { ...world, observer: UNOBSERVED }),
  );
  const place: RecipePlace = { store, prefix: FLEET_PREFIX, ...world };
  await applyToFleet(at, 1);
  const nodes = await Promise.all(NODE_IDS.map((id) => startBenchNode(id, at)));
  for (const node of nodes) parts.use(node);
  await untilAllRun(nodes, 1);
  const loads: LoadProcess[] = [];
  for (const [i, { port }] of nodes.entries()) {
    const args = { ...loadArguments(run, port, 0), source: i + 1 };
    loads.push(parts.use(await openLoad(args)));
  }
  return new OpenFleetRig({ at, place, nodes, loads, sink }, parts.move());
}

interface FleetRigParts {
  readonly at: BenchFleetPlace;
  readonly place: RecipePlace;
  readonly nodes: readonly BenchNode[];
  readonly loads: readonly LoadProcess[];
  readonly sink: SinkProcess;
}

class OpenFleetRig implements FleetRig {
  readonly #parts: FleetRigParts;
  readonly #owned: AsyncDisposableStack;
  #version = 1;
  #acknowledgedItems = 0;

  constructor(parts: FleetRigParts, owned: AsyncDisposableStack) {
    this.#parts = parts;
    this.#owned = owned;
  }

  get nodes(): readonly BenchNode[] {
    return this.#parts.nodes;
  }

  async begin(requestsPerSecond: number): Promise<() => Promise<FleetLoad>> {
    const { loads } = this.#parts;
    await Promise.all(loads.map((load) => load.ask({ kind: "start", requestsPerSecond })));
    return async () => {
      const rests = await Promise.all(loads.map((load) => load.ask({ kind: "rest" })));
      const counts = await Promise.all(loads.map(marked));
      this.#acknowledgedItems += counts.reduce((sum, { ackedItems }) => sum + ackedItems, 0);
      const unanswered = rests.reduce((sum, rest) => sum + (rest.kind === "rested" ? rest.unanswered : 0), 0);
      return loadOf(counts, unanswered);
    };
  }

  async apply(): Promise<FleetApply> {
    const { at, place, nodes } = this.#parts;
    const version = ++this.#version;
    const done = new AbortController();
    const published = whenPublished(place, version, done.signal);
    const command = applyToFleet(at, version);
    command.catch((cause: unknown) => done.abort(cause));
    const fromMs = await published;
    await untilAllRun(nodes, version);
    const allMs = systemClock.nowMs() - fromMs;
    return { allMs, commandMs: await command };
  }

  async leader(): Promise<string | undefined> {
    const call = { signal: AbortSignal.timeout(WITHIN_MS) };
    return (await readCandidates(this.#parts.place, GLOBAL_ELECTION, call)).leader?.id;
  }

  async sum(metric: string): Promise<number> {
    const all = await Promise.all(this.nodes.map(({ admin }) => admin.metric(metric)));
    return all.reduce<number>((total, each) => total + (each ?? 0), 0);
  }

  async allThere(): Promise<boolean> {
    const counts = await this.#parts.sink.ask({ kind: "counts" });
    const sinks = counts.kind === "counts" ? counts.ports : [];
    return sinks.reduce((sum, { distinct, beyond }) => sum + distinct + beyond, 0) >= this.#acknowledgedItems;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

function loadOf(counts: readonly LoadCounts[], unanswered: number): FleetLoad {
  const sum = (of: (each: LoadCounts) => number): number => counts.reduce((total, each) => total + of(each), 0);
  const seconds = Math.max(...counts.map(({ durationMs }) => durationMs)) / 1_000;
  return {
    seconds,
    requests: sum(({ ackedRequests }) => ackedRequests),
    itemsPerSecond: sum(({ ackedItems }) => ackedItems) / seconds,
    failed: sum(notTaken) + sum(({ partial }) => partial) + unanswered,
  };
}

/** When a watch of the store tells it. */
async function whenPublished(place: RecipePlace, version: number, signal: AbortSignal): Promise<number> {
  const key = configKeys(place.prefix).current;
  for await (const { entries } of watchEntries(place.store, key, signal)) {
    const entry = entries.get(key);
    const pointer = entry && decodePointer(entry.value);
    if (pointer?.ok === true && pointer.value.version >= version) return systemClock.nowMs();
  }
  signal.throwIfAborted();
  throw new Error(`version ${version} was not published`);
}

async function untilAllRun(nodes: readonly BenchNode[], version: number): Promise<void> {
  const what = `version ${version} on all nodes`;
  await Promise.all(
    nodes.map(({ admin }) => admin.until(({ config }) => config.version === version, WITHIN_MS, what, LOOK_MS)),
  );
}
