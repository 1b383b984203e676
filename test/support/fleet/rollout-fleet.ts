import type { ConfigWalk } from "../../../src/control/apply.ts";
import type { ApplyOutcome } from "../../../src/control/apply-outcome.ts";
import type { ControllerLink } from "../../../src/control/fleet/controller-link.ts";
import { digestOf } from "../../../src/control/fleet/directive.ts";
import { createLocalLink } from "../../../src/control/fleet/local-link.ts";
import type { ControllerAddress } from "../../../src/control/fleet/messages.ts";
import type { Controller } from "../../../src/control/global/controller.ts";
import { openController } from "../../../src/control/global/open-controller.ts";
import { ROLLOUT_TASK } from "../../../src/control/global/global-controller.ts";
import { sampleCollectors } from "../../../src/control/rollout/sample-collectors.ts";
import { rolloutObserver } from "../../../src/control/rollout/rollout-metrics.ts";
import { rolloutTask } from "../../../src/control/rollout/rollout-task.ts";
import { FleetTopology } from "../../../src/control/topology/fleet-topology.ts";
import { FleetFollower } from "../../../src/control/truth/fleet-follower.ts";
import type { LastGood } from "../../../src/control/truth/last-good.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { createDocumentFetcher } from "../../../src/server/fleet/fetch-document.ts";
import { type NodeFollower, openNodeFollower } from "../../../src/server/fleet/node-follower.ts";
import { acknowledgedBy, takeOverBy } from "../../../src/server/fleet/take-over.ts";
import type { ConfigCandidate } from "../../../src/store/recipes/config-candidate-record.ts";
import { type FleetMemory, forgetfulMemory } from "../../../src/store/recipes/fleet-memory.ts";
import { initFleet } from "../../../src/store/recipes/identity.ts";
import { createSharedConfig, type SharedConfig } from "../../../src/store/recipes/shared-config.ts";
import { createLedger } from "../../../src/telemetry/ledger.ts";
import { createMetrics, type Metrics } from "../../../src/telemetry/metrics.ts";
import { RiggedStore } from "../rigged-store.ts";
import { type RecordedLog, recordedLog } from "./quiet-log.ts";
import { NO_LOAD } from "../../../src/control/load/load-report.ts";
import { IDLE_PLANE, configOf } from "./idle-node.ts";

const NEVER = new AbortController().signal;
/** Of the clock, between two looks at the fleet. */
const STEP_MS = 250;
/** Items a second of each node. */
const PER_SECOND = 1_000;

const CONFIG = configOf();

/** A collector: all of it that applies a config, on a data plane that does nothing. */
export class RolloutNode implements AsyncDisposable {
  readonly id: string;
  readonly region: string;
  /** The versions that it has run, in order. */
  readonly ran: number[] = [];
  /** What is on its disk. */
  lastGood: LastGood | undefined;
  attempted = 0;
  failed = 0;
  runs = { version: 0, text: "" };
  readonly #fleet: RolloutFleet;
  readonly #memory: FleetMemory = forgetfulMemory();
  #follower: FleetFollower;
  #node: NodeFollower;
  /** A node that does not reach its controllers. */
  isCutOff = false;

  constructor(fleet: RolloutFleet, id: string, region: string) {
    [this.#fleet, this.id, this.region] = [fleet, id, region];
    this.#follower = this.#openFollower();
    this.#node = this.#openNode();
  }

  get tries(): boolean {
    return this.#follower.tries;
  }

  get trouble(): string | undefined {
    return this.#follower.status.trouble?.reason;
  }

  /** Another start of it, which begins with what is on its disk. */
  async restart(how: "crash" | "stop"): Promise<void> {
    const { store } = this.#fleet;
    this.isCutOff = how === "crash"; // it says no goodbye
    await store.pass(Promise.resolve(this.#node[Symbol.asyncDispose]()));
    this.isCutOff = false;
    const { version = 0, text = "" } = this.lastGood ?? {};
    [this.runs, this.attempted, this.failed] = [{ version, text }, 0, 0];
    this.ran.push(version);
    this.#follower = this.#openFollower();
    this.#node = this.#openNode();
  }

  /** So much time, with its traffic. */
  carry(ms: number): void {
    const items = (PER_SECOND * ms) / 1_000;
    this.attempted += items;
    if (this.runs.text.includes("worse")) this.failed += items * 0.05;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }

  #openFollower(): FleetFollower {
    const { store, metrics, log } = this.#fleet;
    const trouble = undefined;
    const prepared = { text: "", changed: [], taints: [], unrouted: [], config: CONFIG, problems: [] };
    const start = { from: "nothing", prepared, version: 0, author: "", note: "", trouble } as const;
    return new FleetFollower(start, {
      prefix: store.place.prefix,
      walk: { status: this.#status(), follow: async (version) => this.#take(version) },
      memory: this.#memory,
      lastGood: {
        read: async () => ({ good: this.lastGood, damaged: undefined }),
        write: async (good) => void (this.lastGood = good),
      },
      learnt: () => undefined,
      log,
      metrics,
    });
  }

  #status(): ConfigWalk["status"] {
    const runs = (): RolloutNode["runs"] => this.runs;
    return {
      get version() {
        return runs().version;
      },
      get text() {
        return runs().text;
      },
      digest: "",
      running: CONFIG,
      appliedMs: 0,
      restartRequired: [],
      last: undefined,
    };
  }

  #take({ version, text }: { readonly version: number; readonly text: string }): ApplyOutcome {
    if (text.includes(`not for ${this.id}`)) {
      return { kind: "invalid", problems: [{ severity: "error", path: "pools", message: "there is no such pool" }] };
    }
    if (this.runs.version !== version) this.ran.push(version);
    this.runs = { version, text };
    return { kind: "applied", version, digest: "", warnings: [], restartRequired: [], changed: [], leaving: [] };
  }

  #openNode(): NodeFollower {
    const { store, metrics, log } = this.#fleet;
    const env = { clock: store.clock, random: seededRandom(5), log, metrics, ledger: createLedger() };
    const walk = { status: this.#status() };
    const follower = this.#follower;
    return openNodeFollower(
      {
        node: { ...CONFIG.node, region: this.region },
        facts: { id: this.id, version: "1.0.0" },
        env,
        memory: this.#memory,
        openStore: async () => ({ place: store.place, [Symbol.asyncDispose]: async () => undefined }),
        load: {
          newest: { atMs: 0, ...NO_LOAD, items_per_second: PER_SECOND },
          capacity: { items_per_second: 0, source: "unknown" },
          counters: this.#counters(),
        },
        walk,
        dataPlane: IDLE_PLANE,
        addresses: () => ({}),
        leaderTasks: {},
        acknowledged: () => acknowledgedBy(follower.status, walk.status, digestOf),
        digestOf,
        ...takeOverBy(follower, false, undefined),
      },
      undefined,
      (to) => this.#fleet.link(to, () => this.isCutOff),
    );
  }

  #counters() {
    const counted = (): { attempted: number; failed: number } => this;
    return {
      get attemptedItems() {
        return counted().attempted;
      },
      get failedItems() {
        return counted().failed;
      },
      requests: 0,
      refusedRequests: 0,
    };
  }
}

/** Real controllers and collectors, over a store in memory and a clock that is moved. */
export class RolloutFleet implements AsyncDisposable {
  readonly store = RiggedStore.open();
  readonly metrics: Metrics = createMetrics();
  readonly log: RecordedLog = recordedLog(this.store.clock);
  readonly config: SharedConfig = createSharedConfig(this.store.place);
  readonly nodes: RolloutNode[] = [];
  /** Watches do not tell controllers where the pointer points. */
  isPointerLate = false;
  readonly controllers = new Map<string, Controller>();

  async form(): Promise<void> {
    await this.store.pass(initFleet(this.store.place, { signal: NEVER }));
    await this.store.pass(this.config.publish("good: 1\n", { signal: NEVER }));
  }

  /** A controller for its region, which stands for the fleet, too. */
  lead(id: string, region: string): Controller {
    const place = this.store.view((key) => this.isPointerLate && key.endsWith("/config/current"));
    const late: { topology?: FleetTopology } = {};
    const sample = async (signal: AbortSignal) =>
      late.topology === undefined ? { collectors: [], silent: [] } : sampleCollectors(late.topology, { signal });
    const observer = rolloutObserver(this.metrics, this.log);
    const controller = openController({
      place,
      controller: { id, address: `${id}:4321`, tls: false },
      region,
      generation: () => 1,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 30_000,
      tasks: { [ROLLOUT_TASK]: rolloutTask({ place, sample, log: this.log, observer }) },
      fetchBody: createDocumentFetcher(place),
      log: this.log,
    });
    late.topology = new FleetTopology({ id, controller, controllers: async () => [], openLink: (to) => this.link(to) });
    this.controllers.set(id, controller);
    return controller;
  }

  join(region: string, count: number): void {
    for (let at = 0; at < count; at++) this.nodes.push(new RolloutNode(this, `${region}-${at}`, region));
  }

  link(to: ControllerAddress, isCut: () => boolean = () => false): ControllerLink {
    const controller = this.controllers.get(to.id);
    const { clock } = this.store;
    if (controller === undefined) throw new Error(`there is no controller ${to.id}`);
    const link = createLocalLink(to, controller.calls, clock);
    const call: typeof link.call = async (method, request, options) => {
      const reply = isCut() ? undefined : await link.call(method, request, options);
      return reply === undefined || isCut() ? { kind: "unreachable", reason: "it is cut off" } : reply;
    };
    return { ...link, call, [Symbol.asyncDispose]: (): PromiseLike<void> => link[Symbol.asyncDispose]() };
  }

  async candidate(): Promise<ConfigCandidate> {
    const read = await this.config.candidate({ signal: NEVER });
    if (read.kind !== "candidate") throw new Error("nothing is staged");
    return read.candidate;
  }

  /** Ids of the nodes that run this version. */
  running(version: number): string {
    return this.nodes.flatMap((node) => (node.runs.version === version ? [node.id] : [])).join();
  }

  /** Until it is so, with the traffic of the time that it takes. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, seconds = 300): Promise<void> {
    const { clock } = this.store;
    for (const endMs = clock.nowMs() + seconds * 1_000; !(await isSo()); ) {
      if (clock.nowMs() > endMs) {
        const seen = this.nodes.map(({ id, runs }) => `${id} runs ${runs.version}`).join(", ");
        throw new Error(`it is not so: ${what}; ${seen}\n${this.log.lines.slice(-20).join("\n")}`);
      }
      clock.advance(STEP_MS);
      for (const node of this.nodes) node.carry(STEP_MS);
      await this.store.settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await this.store.pass(Promise.resolve(node[Symbol.asyncDispose]()));
    await this.store.pass(Promise.all([...this.controllers.values()].map((one) => one[Symbol.asyncDispose]())));
    await this.store[Symbol.asyncDispose]();
  }
}
