import type { Clock } from "../../src/core/clock.ts";
import { machineMs } from "../../src/core/clock.ts";
import type { Random } from "../../src/core/random.ts";
import { VERSION } from "../../src/core/version.ts";
import { ConfigReconciler, type WantedVersion } from "../../src/control/fleet/config-reconciler.ts";
import type { ControllerLink } from "../../src/control/fleet/controller-link.ts";
import { CONFIG_SCOPE } from "../../src/control/fleet/directive.ts";
import { DirectiveBook } from "../../src/control/fleet/directive-book.ts";
import { ControllerFollower } from "../../src/control/fleet/follower.ts";
import type { ReportFacts } from "../../src/control/fleet/follower-ports.ts";
import type { ControllerAddress } from "../../src/control/fleet/messages.ts";
import { isNewsOfRate } from "../../src/control/load/offered-rate.ts";
import { openHttp2Link } from "../../src/server/fleet/http2-link.ts";
import { forgetfulMemory } from "../../src/store/recipes/fleet-memory.ts";
import { FoundGateways, GATEWAY_TAGS, gatewayAddress, HOST } from "./found-gateways.ts";
import type { Log } from "../../src/telemetry/log.ts";

/** What simulated collectors of one process have in common. */
export interface SimulatedWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly reportIntervalMs: number;
  readonly lookUp: (region: string, signal: AbortSignal) => Promise<readonly ControllerAddress[]>;
  /** The first so many of each region are gateways. */
  readonly gateways: number;
}

export interface SimulatedIdentity {
  readonly id: string;
  readonly region: string;
  /** In its region. */
  readonly number: number;
  /** Of its load, as a share of the time in which that rises and falls. */
  readonly phase: number;
}

const TIDE_MS = 60_000;
const ITEMS_A_SECOND = 20_000;
const CAPACITY = 100_000;
/** So that in a few seconds each region's sums change by more than is left untold. */
const TIDE_SHARE = 0.3;

/**
 * The control side of a collector, as a node has it, with its own connection to its controller:
 * what it carries is made up. Until it is disposed of.
 */
export class SimulatedCollector implements AsyncDisposable {
  /** By the machine's time; undefined: not since it was cut off, or began. */
  heardMs: number | undefined;
  reports = 0;
  lost = 0;
  /** What it runs, and since when by the machine's time. */
  version = 0;
  takenMs = 0;
  /** Undefined: it is one itself. */
  readonly gateways: FoundGateways | undefined;
  readonly #world: SimulatedWorld;
  readonly #identity: SimulatedIdentity;
  readonly #book: DirectiveBook;
  readonly #reconciler: ConfigReconciler;
  readonly #follower: ControllerFollower;
  #digest = "";
  #link: ControllerLink | undefined;

  constructor(identity: SimulatedIdentity, world: SimulatedWorld) {
    this.#world = world;
    this.#identity = identity;
    const { clock, random, log, gateways: all } = world;
    if (identity.number >= all) this.gateways = new FoundGateways(world, { ...identity, all });
    this.#book = new DirectiveBook({
      clock,
      memory: forgetfulMemory(),
      apply: ({ scope, body }) => {
        if (scope === CONFIG_SCOPE) this.#reconciler.applied(body);
      },
      expired: ({ scope, body }) => {
        if (scope === CONFIG_SCOPE) this.#reconciler.expired(body);
      },
    });
    this.#follower = this.#openFollower();
    this.#reconciler = new ConfigReconciler({
      clock,
      random,
      log,
      id: identity.id,
      incarnation: "any", // nothing is asked of single starts here
      fetch: (digest, signal) => this.#follower.fetch(digest, signal),
      follow: (wanted) => this.#follow(wanted),
    });
  }

  /** In its region. */
  get number(): number {
    return this.#identity.number;
  }

  get follows(): boolean {
    return this.#follower.status.state === "following";
  }

  /** Its connection is gone; it finds out, and comes back as a node does. */
  cut(): void {
    this.heardMs = undefined;
    void this.#link?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower[Symbol.asyncDispose]();
    this.#book[Symbol.dispose]();
    await this.#reconciler[Symbol.asyncDispose]();
  }

  #openFollower(): ControllerFollower {
    const { clock, random, log, reportIntervalMs, lookUp } = this.#world;
    const { id, region } = this.#identity;
    return new ControllerFollower({
      clock,
      random,
      log,
      identity: { id, region, incarnation: `${process.pid}-${id}` },
      openLink: (to) => (this.#link = openHttp2Link(to, { token: () => undefined, tls: {}, clock, random })),
      lookUp: (signal) => lookUp(region, signal),
      book: this.#book,
      members: this.gateways?.follower,
      facts: () => this.#facts(),
      isNews: ({ load }, toldMs, nowMs) =>
        isNewsOfRate({ toldPerSecond: load.items_per_second, toldMs }, this.#itemsPerSecond(nowMs), nowMs),
      observer: {
        followed: () => undefined,
        left: () => undefined,
        lost: () => this.lost++,
        reported: () => this.#reported(),
        directive: () => undefined,
        saidGoodbye: () => undefined,
      },
      reportIntervalMs,
    });
  }

  #reported(): void {
    this.reports++;
    this.heardMs ??= machineMs(this.#world.clock);
  }

  async #follow({ version, sha256 }: WantedVersion): Promise<"done"> {
    this.version = version;
    this.#digest = sha256;
    this.takenMs = machineMs(this.#world.clock);
    this.#follower.reportNow(); // as a node does
    return "done";
  }

  #facts(): ReportFacts {
    const items = this.#itemsPerSecond(this.#world.clock.nowMs());
    const share = items / CAPACITY;
    const { number } = this.#identity;
    return {
      version: VERSION,
      addresses: { otlpGrpc: gatewayAddress(number), otlpHttp: "127.0.0.1:4318" },
      host: HOST,
      tags: this.gateways === undefined ? GATEWAY_TAGS : {},
      capacity: { items_per_second: CAPACITY },
      load: {
        items_per_second: Math.round(items),
        bytes_per_second: Math.round(items * 370),
        queue_items: 0,
        cpu: share,
        memory: 0.2,
        event_loop_ms: 1.5,
        utilization: share,
        latency_ms: 4.25,
        error_rate: 0,
        sampling_rate: 1,
      },
      counters: { attempted_items: 0, failed_items: 0, requests: 0, refused_requests: 0 },
      health: { state: "healthy", reason: "" },
      config: { version: this.version, digest: this.#digest, result: this.version === 0 ? "none" : "running" },
      schema_max: 1,
    };
  }

  /** The whole region rises and falls together, each one a little differently each time. */
  #itemsPerSecond(nowMs: number): number {
    const tide = Math.sin(2 * Math.PI * (nowMs / TIDE_MS + this.#identity.phase));
    return ITEMS_A_SECOND * (1 + TIDE_SHARE * tide) * (0.98 + 0.04 * this.#world.random.next());
  }
}
