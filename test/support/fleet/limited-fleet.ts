import assert from "node:assert/strict";
import type { ControllerLink } from "../../../src/control/fleet/controller-link.ts";
import { digestOf } from "../../../src/control/fleet/directive.ts";
import { createLocalLink } from "../../../src/control/fleet/local-link.ts";
import type { ControllerAddress } from "../../../src/control/fleet/messages.ts";
import type { Controller } from "../../../src/control/global/controller.ts";
import { openController } from "../../../src/control/global/open-controller.ts";
import { LimitHolders } from "../../../src/control/limits/limit-holders.ts";
import { NO_LOAD } from "../../../src/control/load/load-report.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { OWN_BODIES } from "../../../src/core/arena/extent.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { LIMITED } from "../../../src/data/limit/limiter.ts";
import { NodeLimiter } from "../../../src/data/limit/node-limiter.ts";
import { Envelope, scanEnvelope } from "../../../src/otlp/scan.ts";
import type { LimitsData } from "../../../src/plan/limits/limits-plan.ts";
import { NO_HEADERS } from "../../../src/plan/sender-headers.ts";
import { createDocumentFetcher } from "../../../src/server/fleet/fetch-document.ts";
import type { FleetLinkOptions } from "../../../src/server/fleet/fleet-link-options.ts";
import { type NodeFollower, openNodeFollower } from "../../../src/server/fleet/node-follower.ts";
import { forgetfulMemory } from "../../../src/store/recipes/fleet-memory.ts";
import { initFleet } from "../../../src/store/recipes/identity.ts";
import { createSharedConfig } from "../../../src/store/recipes/shared-config.ts";
import { createLedger } from "../../../src/telemetry/ledger.ts";
import { createMetrics, type Metrics } from "../../../src/telemetry/metrics.ts";
import { requestOf } from "../items.ts";
import { RiggedStore } from "../rigged-store.ts";
import { type RecordedLog, recordedLog } from "./quiet-log.ts";
import { IDLE_PLANE, NO_COUNTERS, configOf } from "./idle-node.ts";

const NEVER = new AbortController().signal;
/** Of the clock, between two looks at the fleet. */
const STEP_MS = 125;
/** In each request. */
const ITEMS = 10;
const REQUEST = requestOf(
  "traces",
  Array.from({ length: ITEMS }, () => ({ name: "s", service: "cart" })),
);

const CONFIG = configOf();

/** A collector whose data plane is its limiter. */
export class LimitedNode implements AsyncDisposable {
  readonly id: string;
  /** Items a second that come to it. */
  offered = 0;
  isCutOff = false;
  /** Its sender comes again when it was told to, with all that has come meanwhile. */
  isObeyed = false;
  #comesAgainMs = 0;
  readonly #limiter: NodeLimiter;
  readonly #node: NodeFollower;
  readonly #envelope = new Envelope();
  readonly #clock: Clock;
  readonly #status = {
    version: 1,
    text: "",
    digest: "",
    running: CONFIG,
    appliedMs: 0,
    restartRequired: [],
    last: undefined,
  };
  #owed = 0;

  constructor(fleet: LimitedFleet, id: string, region: string) {
    this.id = id;
    const { store, log } = fleet;
    this.#clock = store.clock;
    const env = { clock: store.clock, random: seededRandom(5), log, metrics: createMetrics(), ledger: createLedger() };
    this.#limiter = new NodeLimiter(env, new LimitHolders());
    this.#limiter.adopt(fleet.limits);
    this.#node = openNodeFollower(
      {
        node: { ...CONFIG.node, region },
        facts: { id, version: "1.0.0" },
        env,
        memory: forgetfulMemory(),
        openStore: async () => ({ place: store.place, [Symbol.asyncDispose]: async () => undefined }),
        load: this.#load(),
        walk: { status: this.#status },
        dataPlane: {
          ...IDLE_PLANE,
          limitAsk: async () => this.#limiter.ask(),
          limitGranted: (grant, sentMs) => this.#limiter.granted(grant, sentMs),
        },
        addresses: () => ({}),
        leaderTasks: {},
        digestOf,
      },
      undefined,
      (to) => fleet.link(to, () => this.isCutOff),
    );
  }

  #load(): FleetLinkOptions["load"] {
    const offered = (): number => this.offered;
    return {
      get newest() {
        return { atMs: 0, ...NO_LOAD, items_per_second: offered() };
      },
      capacity: { items_per_second: 0, source: "unknown" },
      counters: NO_COUNTERS,
    };
  }

  /** Those of its config. */
  adopt(limits: LimitsData): void {
    this.#limiter.adopt(limits);
    const text = `targets: []\nglobal: { rate_limiting: { max_qps: ${limits.total.perSecond} } }\n`;
    this.#status.running = configOf(text);
    this.#node.configured();
  }

  get granted(): number {
    return this.#limiter.usage(0)?.total.granted ?? 0;
  }

  /** Items that are let in of what has come meanwhile. */
  carry(ms: number): number {
    this.#owed += (this.offered * ms) / 1_000;
    let letIn = 0;
    for (; this.#owed >= ITEMS && this.#clock.nowMs() >= this.#comesAgainMs; this.#owed -= ITEMS) {
      assert.ok(scanEnvelope("traces", REQUEST, this.#envelope));
      const limiter = this.#limiter.current;
      const result = limiter?.limit(this.#envelope, "traces", NO_HEADERS, OWN_BODIES) ?? LIMITED.IN;
      if (result === LIMITED.IN) letIn += ITEMS;
      else if (this.isObeyed) {
        this.#comesAgainMs = this.#clock.nowMs() + (limiter?.refusal?.retryAfterMs ?? 0);
        break;
      }
    }
    return letIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }
}

/**
 * Real controllers and collectors, over a store in memory and a clock that is moved. The rule of
 * limits is checked at every step: what is out, and what was let in over any window.
 */
export class LimitedFleet implements AsyncDisposable {
  readonly store = RiggedStore.open();
  readonly metrics: Metrics = createMetrics();
  readonly log: RecordedLog = recordedLog(this.store.clock);
  #limits: LimitsData | undefined;
  readonly nodes: LimitedNode[] = [];
  readonly controllers = new Map<string, Controller>();
  readonly #letIn: number[] = [];

  constructor(limits?: LimitsData) {
    this.#limits = limits;
  }

  get limits(): LimitsData | undefined {
    return this.#limits;
  }

  /** Of the config that all of them run from now on. */
  setLimits(limits: LimitsData): void {
    this.#limits = limits;
    this.#letIn.length = 0;
    for (const node of this.nodes) node.adopt(limits);
  }

  async form(): Promise<void> {
    await this.store.pass(initFleet(this.store.place, { signal: NEVER }));
    await this.store.pass(createSharedConfig(this.store.place).publish("good: 1\n", { signal: NEVER }));
  }

  lead(id: string, region: string): void {
    const { place } = this.store;
    const controller = openController({
      place,
      controller: { id, address: `${id}:4321`, tls: false },
      region,
      generation: () => 1,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 30_000,
      fetchBody: createDocumentFetcher(place),
      limits: () => this.limits,
      openLink: (to) => this.link(to),
      log: this.log,
    });
    this.controllers.set(id, controller);
  }

  async end(id: string): Promise<void> {
    const controller = this.controllers.get(id);
    this.controllers.delete(id);
    if (controller !== undefined) await this.store.pass(Promise.resolve(controller[Symbol.asyncDispose]()));
  }

  join(id: string, region: string): LimitedNode {
    const node = new LimitedNode(this, id, region);
    this.nodes.push(node);
    return node;
  }

  async leave(node: LimitedNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await this.store.pass(Promise.resolve(node[Symbol.asyncDispose]()));
  }

  link(to: ControllerAddress, isCut: () => boolean = () => false): ControllerLink {
    const { clock } = this.store;
    const opened = this.controllers.get(to.id);
    const link = opened && createLocalLink(to, opened.calls, clock);
    const call: ControllerLink["call"] = async (method, request, options) => {
      const isGone = (): boolean => isCut() || link === undefined || this.controllers.get(to.id) !== opened;
      const reply = isGone() ? undefined : await link?.call(method, request, options);
      return reply === undefined || isGone() ? { kind: "unreachable", reason: "it is cut off" } : reply;
    };
    return { controller: to, call, [Symbol.asyncDispose]: async () => link?.[Symbol.asyncDispose]() };
  }

  /** Items that are let in, by all nodes, within this time. */
  async run(seconds: number): Promise<number> {
    let sum = 0;
    for (let passed = 0; passed < seconds * 1_000; passed += STEP_MS) {
      this.store.clock.advance(STEP_MS);
      const letIn = this.nodes.reduce((all, node) => all + node.carry(STEP_MS), 0);
      this.#letIn.push(letIn);
      sum += letIn;
      this.#check();
      await this.store.settle();
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await this.store.pass(Promise.resolve(node[Symbol.asyncDispose]()));
    for (const id of Array.from(this.controllers.keys())) await this.end(id);
    await this.store[Symbol.asyncDispose]();
  }

  #check(): void {
    if (this.#limits === undefined) return;
    const { perSecond, burst } = this.#limits.total;
    const granted = this.nodes.reduce((all, node) => all + node.granted, 0);
    assert.ok(granted <= perSecond + 1e-6, `${granted} is out: ${this.nodes.map((one) => one.granted).join()}`);
    let sum = 0;
    for (let back = 1; back <= Math.min(this.#letIn.length, 240); back++) {
      sum += this.#letIn.at(-back) ?? 0;
      const most = (perSecond * back * STEP_MS) / 1_000 + burst + this.nodes.length * ITEMS;
      assert.ok(sum <= most, `${sum} in ${back * STEP_MS} ms`);
    }
  }
}
