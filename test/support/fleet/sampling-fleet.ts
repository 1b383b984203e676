import type { Config } from "../../../src/config/schema/config.ts";
import type { ConfigWalk } from "../../../src/control/apply.ts";
import type { ControllerLink } from "../../../src/control/fleet/controller-link.ts";
import { digestOf } from "../../../src/control/fleet/directive.ts";
import { createLocalLink } from "../../../src/control/fleet/local-link.ts";
import type { ControllerAddress } from "../../../src/control/fleet/messages.ts";
import type { Controller } from "../../../src/control/global/controller.ts";
import { openController } from "../../../src/control/global/open-controller.ts";
import { NO_LOAD } from "../../../src/control/load/load-report.ts";
import { FleetSampling } from "../../../src/control/sampling/fleet-sampling.ts";
import { SamplingNode } from "../../../src/control/sampling/sampling-node.ts";
import { samplingTask } from "../../../src/control/sampling/sampling-task.ts";
import type { StrategyNews } from "../../../src/control/sampling/spend-book.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { NodeGuard } from "../../../src/data/sample/node-guard.ts";
import type { SamplingState } from "../../../src/plan/sampling-plan.ts";
import { type NodeFollower, openNodeFollower } from "../../../src/server/fleet/node-follower.ts";
import { createDocumentFetcher } from "../../../src/server/fleet/fetch-document.ts";
import { type FleetMemory, forgetfulMemory } from "../../../src/store/recipes/fleet-memory.ts";
import { initFleet } from "../../../src/store/recipes/identity.ts";
import { createLedger } from "../../../src/telemetry/ledger.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { RiggedStore } from "../rigged-store.ts";
import { recordedLog } from "./quiet-log.ts";
import { IDLE_PLANE, NO_COUNTERS, configOf } from "./idle-node.ts";

const NEVER = new AbortController().signal;
/** Of the clock, between two looks at the fleet; as often as its nodes get something. */
const STEP_MS = 100;

/** A collector whose data plane keeps exactly the share that it is told to. */
class SampledNode {
  /** Items a second that come to it. */
  perSecond = 0;
  kept = 0;
  received = 0;
  state: SamplingState = { traces: [], logs: [] };
  /** It does not reach its controllers. */
  isCutOff = false;
  readonly node: SamplingNode;
  readonly follower: NodeFollower;
  readonly #fleet: SampledFleet;
  readonly #guard: NodeGuard;
  readonly #memory: FleetMemory = forgetfulMemory();
  readonly #run: string;
  #readMs = 0;

  constructor(fleet: SampledFleet, id: string, region: string) {
    [this.#fleet, this.#run] = [fleet, `run of ${id}`];
    const { clock } = fleet.store;
    this.#guard = new NodeGuard(clock);
    const direct = (state: SamplingState): void => {
      this.state = state;
      this.#guard.bind(state.bound);
    };
    this.node = new SamplingNode({ region, config: () => fleet.config, direct });
    const sampling = new FleetSampling({ clock, node: this.node, log: fleet.log });
    this.follower = this.#follow(id, region, sampling);
  }

  /** What is kept of what nobody protects, but for the guard. */
  get rate(): number {
    return this.state.traces.find((one) => one.class === "normal")?.probability ?? 1;
  }

  /** So much time, with its traffic. */
  carry(ms: number): void {
    const items = (this.perSecond * ms) / 1_000;
    const kept = items * Math.min(this.rate, this.#guard.rate());
    this.#guard.kept(kept, 0);
    this.received += items;
    this.kept += kept;
    const nowMs = this.#fleet.store.clock.nowMs();
    if (nowMs - this.#readMs < 1_000) return;
    this.#readMs = nowMs;
    const { received, kept: delivered } = this;
    const sums = { items: received, bytes: 0, traces: received, adjusted: received, delivered, kept: delivered };
    const counts = [{ signal: "traces", class: "normal", octave: 0, ...sums }] as const;
    const spent = { traces: { items: delivered, bytes: 0 }, logs: { items: 0, bytes: 0 } };
    this.node.read({ report: { run: this.#run, atMs: nowMs, counts }, spent }, nowMs);
  }

  #follow(id: string, region: string, sampling: FleetSampling): NodeFollower {
    const { store, log, config } = this.#fleet;
    const env = { clock: store.clock, random: seededRandom(5), log, metrics: createMetrics(), ledger: createLedger() };
    return openNodeFollower(
      {
        node: { ...config.node, region },
        facts: { id, version: "1.0.0" },
        env,
        memory: this.#memory,
        openStore: async () => ({ place: store.place, [Symbol.asyncDispose]: async () => undefined }),
        load: {
          newest: { atMs: 0, ...NO_LOAD },
          capacity: { items_per_second: 0, source: "unknown" },
          counters: NO_COUNTERS,
        },
        walk: { status: statusOf(config) },
        dataPlane: IDLE_PLANE,
        addresses: () => ({}),
        leaderTasks: {},
        sampling,
        digestOf,
      },
      undefined,
      (to) => this.#fleet.link(to, () => this.isCutOff),
    );
  }
}

/** Real controllers and the sampling of real collectors, in memory, on a clock that is moved. */
export class SampledFleet implements AsyncDisposable {
  readonly store = RiggedStore.open();
  readonly log = recordedLog(this.store.clock);
  readonly nodes: SampledNode[] = [];
  readonly news: StrategyNews[] = [];
  readonly config: Config;
  readonly #controllers = new Map<string, Controller>();

  constructor(global: string) {
    this.config = configOf(`targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\nglobal: ${global}\n`);
  }

  async form(): Promise<void> {
    await this.store.pass(initFleet(this.store.place, { signal: NEVER }));
  }

  /** A controller for its region, which stands for the fleet, too. */
  lead(id: string, region: string): Controller {
    const { place } = this.store;
    const sampling = samplingTask({ config: () => this.config, log: this.log, tell: (one) => this.news.push(one) });
    const controller = openController({
      place,
      controller: { id, address: `${id}:4321`, tls: false },
      region,
      generation: () => 1,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 30_000,
      tasks: { sampling },
      fetchBody: createDocumentFetcher(place),
      log: this.log,
    });
    this.#controllers.set(id, controller);
    return controller;
  }

  /** It ends, and resigns. */
  async leave(id: string): Promise<void> {
    const controller = this.#controllers.get(id);
    if (controller !== undefined) await this.store.pass(Promise.resolve(controller[Symbol.asyncDispose]()));
    this.#controllers.delete(id);
  }

  join(id: string, region: string): SampledNode {
    const node = new SampledNode(this, id, region);
    this.nodes.push(node);
    return node;
  }

  /** Evenly from the least busy to the busiest, which gets ten times as much. */
  load(perSecond: number): void {
    const weights = this.nodes.map((_, i) => 1 + (9 * i) / Math.max(1, this.nodes.length - 1));
    const all = weights.reduce((sum, one) => sum + one, 0);
    for (const [i, node] of this.nodes.entries()) node.perSecond = (perSecond * weights[i]!) / all;
  }

  /** What all nodes may keep in a second, by their guards. */
  get bound(): number {
    const nowMs = this.store.clock.nowMs();
    return this.nodes.reduce((sum, { node }) => sum + (node.boundPerSecond(nowMs) ?? 0), 0);
  }

  /** Gives what was kept in each of these seconds. */
  async run(seconds: number): Promise<number[]> {
    const kept: number[] = [];
    for (let second = 0; second < seconds; second++) {
      const before = this.#kept;
      for (let ms = 0; ms < 1_000; ms += STEP_MS) {
        this.store.clock.advance(STEP_MS);
        for (const node of this.nodes) node.carry(STEP_MS);
        await this.store.settle();
      }
      kept.push(this.#kept - before);
    }
    return kept;
  }

  link(to: ControllerAddress, isCut: () => boolean): ControllerLink {
    const link = (): ControllerLink | undefined => {
      const controller = this.#controllers.get(to.id);
      return controller && createLocalLink(to, controller.calls, this.store.clock);
    };
    const opened = link();
    const call: ControllerLink["call"] = async (method, request, options) => {
      const reply = isCut() ? undefined : await opened?.call(method, request, options);
      return reply === undefined || isCut() ? { kind: "unreachable", reason: "it is cut off" } : reply;
    };
    return { controller: to, call, [Symbol.asyncDispose]: async () => opened?.[Symbol.asyncDispose]() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { follower } of this.nodes) await this.store.pass(Promise.resolve(follower[Symbol.asyncDispose]()));
    for (const id of this.#controllers.keys()) await this.leave(id);
    await this.store[Symbol.asyncDispose]();
  }

  get #kept(): number {
    return this.nodes.reduce((sum, { kept }) => sum + kept, 0);
  }
}

function statusOf(running: Config): ConfigWalk["status"] {
  return { version: 1, text: "", digest: "", running, appliedMs: 0, restartRequired: [], last: undefined };
}
