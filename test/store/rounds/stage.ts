import { systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import type { Store, StoreSettings } from "../../../src/store/store.ts";
import type { ObservedSeat, Told } from "../history-checker.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { CandidateProcess } from "./candidate-process.ts";
import type { Fault, Line } from "./candidate-protocol.ts";
import type { Disruption } from "./disruption.ts";
import { WatchedSeats } from "./watched-seats.ts";

export interface StageOptions {
  readonly settings: StoreSettings;
  readonly prefix: string;
  readonly ttlMs: number;
  readonly scopes: readonly string[];
  readonly faults: Readonly<Record<string, Fault>>;
  /** For each wait: only so that it ends with words. */
  readonly patienceMs: number;
}

const CANDIDATES = 5;
const WRITE_PAUSE_MS = 300;
/** Of all leaders together: it is who may write that is asked, and not how much. */
const WRITES_PER_SECOND = 100;
/** What is told when somebody waits in vain. */
const TROUBLES_KEPT = 20;

interface Slot {
  readonly name: string;
  /** To each endpoint. */
  readonly proxies: readonly FaultProxy[];
  process: CandidateProcess;
  starts: number;
}

interface Reign {
  readonly epoch: bigint;
  hasWritten: boolean;
}

/** Five candidates in processes of their own, each with its own way to the store. */
export class Stage implements AsyncDisposable {
  readonly told: Told[] = [];
  readonly seats: WatchedSeats;
  readonly store: Store;
  readonly #options: StageOptions;
  readonly #slots: Slot[] = [];
  readonly #over = new AbortController();
  readonly #troubles: string[] = [];
  readonly #checks = new Set<() => void>();
  /** What the last was of each candidate in each election. */
  readonly #reigns = new Map<string, Reign>();
  #following: Promise<void> = Promise.resolve();
  #death: string | undefined;

  private constructor(options: StageOptions, store: Store) {
    this.#options = options;
    this.store = store;
    this.seats = new WatchedSeats(options.prefix);
  }

  static async open(options: StageOptions): Promise<Stage> {
    const store = await openStore(options.settings, { clock: systemClock, random: systemRandom, observer: UNOBSERVED });
    const stage = new Stage(options, store);
    stage.#following = stage.seats.follow(store, stage.#over.signal, () => stage.#check());
    try {
      for (let number = 1; number <= CANDIDATES; number++) await stage.#add(`c${number}`);
      await stage.#standInTurn();
      return stage;
    } catch (cause) {
      await stage[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Ids of those that run now. */
  get ids(): string[] {
    return this.#slots.map(({ process }) => process.id);
  }

  /**
   * Gives what takes it back. A process that is killed is started again at once, as by any
   * supervisor: as another, which stands behind the others.
   */
  disrupt(id: string, how: Disruption): () => Promise<void> {
    const slot = this.#slotOf(id);
    const { process, proxies } = slot;
    switch (how) {
      case "kill": {
        const restarted = this.#restart(slot);
        return () => restarted;
      }
      case "pause":
        process.stop();
        return async () => process.goOn();
      case "block":
        process.block();
        return async () => process.unblock();
      case "cut":
        for (const proxy of proxies) {
          proxy.mode = "refuse";
          proxy.cut();
        }
        return async () => pass(proxies);
      case "hold":
        for (const proxy of proxies) proxy.mode = how;
        return async () => pass(proxies);
      case "one_way":
        for (const proxy of proxies) proxy.mode = how;
        return async () => {
          pass(proxies);
          for (const proxy of proxies) proxy.cut(); // their streams have holes
        };
      default:
        throw new Error(how satisfies never);
    }
  }

  /** All stand for all, and in each somebody leads and has written. */
  async untilAllStand(): Promise<void> {
    const ids = this.ids.toSorted().join();
    await this.#until("not all candidates stand", (scope) => {
      const leader = this.seats.leader(scope);
      return leader !== undefined && this.#hasWritten(scope, leader) && holdersOf(this.seats.of(scope)) === ids;
    });
  }

  /** Nothing of theirs is left in the store, and everywhere somebody else leads and has written. */
  async untilReplaced(ids: readonly string[]): Promise<void> {
    await this.#until(`${ids.join()} were not replaced`, (scope) => {
      const seats = this.seats.of(scope);
      const leader = seats.find(({ isLeading }) => isLeading);
      return (
        !seats.some(({ holder }) => ids.includes(holder)) && leader !== undefined && this.#hasWritten(scope, leader)
      );
    });
  }

  /** Ends all candidates; what they told is complete then. */
  async end(): Promise<void> {
    await Promise.all(this.#slots.map(({ process }) => process.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    this.#over.abort();
    await this.#following.catch(() => undefined);
    await this.store[Symbol.asyncDispose]();
    for (const proxy of this.#slots.flatMap(({ proxies }) => proxies)) await proxy[Symbol.asyncDispose]();
  }

  async #add(name: string): Promise<void> {
    const address = `127.0.0.${this.#slots.length + 2}`; // Consul takes so many connections of each
    const ports = portsOf(this.#options.settings);
    const proxies = await Promise.all(ports.map((port) => FaultProxy.open(port, address)));
    const place = { name, proxies, starts: 0 };
    const slot: Slot = Object.assign(place, { process: this.#start(place) });
    this.#slots.push(slot);
  }

  /**
   * Each is the first in another election, so that not one leads in all, and others follow in
   * others, so that not one comes after it in all.
   */
  async #standInTurn(): Promise<void> {
    for (let place = 0; place < CANDIDATES; place++) {
      for (const [at, scope] of this.#options.scopes.entries()) {
        const step = 1 + (Math.floor(at / CANDIDATES) % (CANDIDATES - 1));
        this.#slots[(at + place * step) % CANDIDATES]?.process.stand(scope);
      }
      const isThere = (scope: string): boolean => this.seats.of(scope).length > place;
      await this.#until(`not ${place + 1} candidates stand`, isThere);
    }
  }

  async #restart(slot: Slot): Promise<void> {
    await slot.process.kill();
    slot.process = this.#start(slot);
    for (const scope of this.#options.scopes) slot.process.stand(scope);
  }

  #start(slot: Pick<Slot, "name" | "proxies" | "starts">): CandidateProcess {
    slot.starts++;
    const { prefix, ttlMs, faults } = this.#options;
    const settings = through(this.#options.settings, slot.proxies);
    const task = {
      settings,
      prefix,
      ttlMs,
      faults,
      id: `${slot.name}.${slot.starts}`,
      writePauseMs: Math.max(WRITE_PAUSE_MS, (this.#options.scopes.length * 1_000) / WRITES_PER_SECOND),
    };
    return new CandidateProcess(
      task,
      (line) => this.#read(line),
      (death) => this.#fail(death),
    );
  }

  #read(line: Line): void {
    if (line.kind === "trouble") this.#troubles.push(`${line.scope}: ${line.message}`);
    else this.#hear(line);
    if (this.#troubles.length > TROUBLES_KEPT) this.#troubles.shift();
    this.#check();
  }

  #hear(told: Told): void {
    this.told.push(told);
    const key = `${told.scope} ${told.by}`;
    if (told.kind === "elected") this.#reigns.set(key, { epoch: told.epoch, hasWritten: false });
    const reign = this.#reigns.get(key);
    if (told.kind === "wrote" && reign !== undefined) reign.hasWritten = true;
  }

  #fail(death: string): void {
    this.#death = death;
    this.#check();
  }

  #slotOf(id: string): Slot {
    const slot = this.#slots.find(({ process }) => process.id === id);
    if (slot === undefined) throw new Error(`there is no ${id}`);
    return slot;
  }

  /** It was told that it leads, and that something it wrote was done. */
  #hasWritten(scope: string, { holder, created }: ObservedSeat): boolean {
    const reign = this.#reigns.get(`${scope} ${holder}`);
    const isThisOne = reign?.epoch === created || this.#options.faults[scope] === "reused";
    return isThisOne && reign?.hasWritten === true;
  }

  #check(): void {
    for (const check of this.#checks) check();
  }

  async #until(complaint: string, isSo: (scope: string) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { scopes } = this.#options;
    const lacking = (): string[] => scopes.filter((scope) => !isSo(scope));
    const check = (): void => {
      if (this.#death !== undefined) reject(new Error(this.#death));
      else if (scopes.every(isSo)) resolve();
    };
    const cancel = systemClock.after(this.#options.patienceMs, () =>
      reject(new Error(this.#tell(complaint, lacking()))),
    );
    this.#checks.add(check);
    check();
    try {
      await promise;
    } finally {
      cancel();
      this.#checks.delete(check);
    }
  }

  #tell(complaint: string, scopes: readonly string[]): string {
    const seats = scopes.slice(0, 3).map((scope) => {
      const its = this.seats.of(scope).map(({ holder, isLeading }) => `${holder}${isLeading ? " leads" : ""}`);
      return `${scope}: ${its.join(", ")}`;
    });
    return [`${complaint}, in ${scopes.length} elections`, ...seats, ...this.#troubles].join("\n");
  }
}

function holdersOf(seats: readonly ObservedSeat[]): string {
  return [...new Set(seats.map(({ holder }) => holder))].toSorted().join();
}

function pass(proxies: readonly FaultProxy[]): void {
  for (const proxy of proxies) proxy.mode = "pass";
}

function portsOf(settings: StoreSettings): number[] {
  return settings.kind === "embedded" ? [] : settings.endpoints.map((endpoint) => Number(new URL(endpoint).port));
}

/** The same store, by other ports. */
function through(settings: StoreSettings, proxies: readonly FaultProxy[]): StoreSettings {
  if (settings.kind === "embedded") return settings;
  return { ...settings, endpoints: proxies.map(({ port }) => `http://127.0.0.1:${port}`) };
}
