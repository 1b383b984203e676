import { type Random, seededRandom } from "../../src/core/random.ts";
import { composeSampling } from "../../src/control/sampling/compose.ts";
import { isNewsOfRegion, loadTold, NO_LOAD_TOLD, type ToldLoad } from "../../src/control/sampling/load-news.ts";
import { RegionFlow, type RegionRates } from "../../src/control/sampling/region-flow.ts";
import { SamplingLeader } from "../../src/control/sampling/sampling-leader.ts";
import type { SamplingSettings } from "../../src/control/sampling/sampling-settings.ts";
import type { ReceivedReport } from "../../src/plan/sampling/received-counts.ts";
import type { SamplingDirective } from "../../src/plan/sampling/sampling-directive.ts";
import { SimCollector, type SimStream, type SimTally } from "./sim-collector.ts";

/** A part of a simulated time, in which as much comes all the time. */
export interface SimPhase {
  readonly seconds: number;
  readonly load: number;
}

export type SimFault =
  | { readonly kind: "leader_change"; readonly atS: number; readonly forS: number }
  /** Nothing goes between a region and the leader. */
  | { readonly kind: "partition"; readonly region: string; readonly atS: number; readonly forS: number };

export interface SimScenario {
  readonly name: string;
  readonly settings: SamplingSettings;
  readonly regions: readonly string[];
  readonly collectors: number;
  /** How many times as much comes to the busiest collector as to the least busy one. */
  readonly skew: number;
  /** Of the fleet, at a load of 1. */
  readonly streams: readonly SimStream[];
  readonly phases: readonly SimPhase[];
  /** From the sending of a report to when a node obeys the directive, but for waiting. */
  readonly delayMs: number;
  /** Part of the reports that do not arrive. */
  readonly lost: number;
  readonly faults: readonly SimFault[];
  readonly seed: number;
}

/** One second of the whole fleet. */
export interface SimSecond extends Readonly<SimTally> {
  readonly load: number;
  /** What all nodes together may keep at most, by their guards. */
  readonly bound: number;
  readonly guarding: number;
}

const TICK_MS = 100;
const STEP_MS = 5_000;
/** A controller looks so often at what its collectors told. */
const LOOK_MS = 1_000;

interface SimMessage {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

interface SimRegion {
  readonly id: string;
  readonly flow: RegionFlow;
  told: ToldLoad;
  lookMs: number;
  writeMs: number;
  /** What the store has of it. */
  stored: RegionRates | undefined;
}

/** Runs a fleet by a virtual clock; the same scenario gives the same seconds. */
export function simulate(scenario: SimScenario): SimSecond[] {
  return new Simulation(scenario).run();
}

class Simulation {
  readonly #scenario: SimScenario;
  readonly #random: Random;
  readonly #collectors: SimCollector[];
  readonly #streams: (readonly SimStream[])[];
  readonly #regions: SimRegion[];
  #leader: SamplingLeader | undefined = new SamplingLeader();
  #last: SamplingDirective | undefined;
  #stepMs = STEP_MS;
  #nowMs = 0;
  #messages: SimMessage[] = [];
  #order = 0;

  constructor(scenario: SimScenario) {
    this.#scenario = scenario;
    this.#random = seededRandom(scenario.seed);
    const { settings, regions, collectors } = scenario;
    const ceilings = composeSampling([], { ...settings, budgets: [] }).rates;
    this.#collectors = Array.from({ length: collectors }, (_, i) => {
      const random = seededRandom(scenario.seed * 7_919 + i);
      return new SimCollector({ id: `c${i}`, region: regions[i % regions.length]!, ceilings, random });
    });
    const parts = weightsOf(scenario);
    this.#streams = parts.map((part) => scenario.streams.map((one) => ({ ...one, perSecond: one.perSecond * part })));
    this.#regions = regions.map((id) => this.#region(id));
  }

  run(): SimSecond[] {
    const seconds: SimSecond[] = [];
    for (const { seconds: length, load } of this.#scenario.phases) {
      const streams = this.#streams.map((its) => its.map((one) => ({ ...one, perSecond: one.perSecond * load })));
      for (let i = 0; i < length; i++) seconds.push(this.#second(streams, load));
    }
    return seconds;
  }

  #region(id: string): SimRegion {
    const writeMs = this.#random.next() * STEP_MS;
    return { id, flow: new RegionFlow(id), told: NO_LOAD_TOLD, lookMs: writeMs % LOOK_MS, writeMs, stored: undefined };
  }

  #second(streams: readonly (readonly SimStream[])[], load: number): SimSecond {
    const tally: SimTally = { received: 0, kept: 0, origin: 0, represented: 0 };
    let bound = 0;
    for (const collector of this.#collectors) bound += collector.boundAt(this.#nowMs);
    for (let at = 0; at < 1_000; at += TICK_MS) {
      this.#nowMs += TICK_MS;
      for (const [i, collector] of this.#collectors.entries()) {
        collector.run(streams[i]!, this.#nowMs, TICK_MS, tally);
        this.#report(collector);
      }
      this.#deliver();
      for (const region of this.#regions) this.#tickRegion(region);
      this.#lead();
    }
    return { ...tally, load, bound, guarding: this.#collectors.filter((one) => one.isGuarding).length };
  }

  #report(collector: SimCollector): void {
    const report = collector.report(this.#nowMs);
    if (report === undefined || this.#random.next() < this.#scenario.lost) return;
    const region = this.#regions.find(({ id }) => id === collector.region)!;
    this.#later(this.#scenario.delayMs / 4, () => {
      region.flow.hear(collector.id, report);
      this.#answer(collector, report, region.flow.nextSeq);
    });
  }

  #answer(collector: SimCollector, report: ReceivedReport, summary: number): void {
    this.#later(0, () => collector.answered(report, summary));
  }

  #tickRegion(region: SimRegion): void {
    if (this.#nowMs < region.lookMs) return;
    region.lookMs += LOOK_MS;
    const perSecond = region.flow.itemsPerSecond;
    const isNews = perSecond > 0 && isNewsOfRegion(region.told, perSecond, this.#nowMs);
    if (this.#nowMs < region.writeMs && !isNews) return;
    region.writeMs = this.#nowMs + STEP_MS;
    region.told = loadTold(region.told, { perSecond, toldPerSecond: perSecond }, this.#nowMs);
    const rates = region.flow.tick(this.#nowMs);
    if (this.#isCut(region.id)) return;
    this.#later(this.#scenario.delayMs / 4, () => {
      region.stored = rates;
      this.#leader?.hear(region.id, rates, this.#nowMs);
      // A leader that was told news does not wait for its turn.
      if (isNews) this.#stepMs = this.#nowMs;
    });
  }

  #lead(): void {
    for (const fault of this.#scenario.faults) {
      if (fault.kind !== "leader_change") continue;
      if (this.#isAt(fault.atS)) this.#leader = undefined;
      if (this.#isAt(fault.atS + fault.forS)) this.#elect();
    }
    if (this.#leader === undefined || this.#nowMs < this.#stepMs) return;
    this.#stepMs = this.#nowMs + STEP_MS;
    const { directive } = this.#leader.step(this.#scenario.settings, this.#nowMs);
    if (directive === undefined) return;
    this.#last = directive;
    for (const collector of this.#collectors) {
      if (this.#isCut(collector.region)) continue;
      this.#later(this.#scenario.delayMs / 2, () => collector.take(directive, this.#nowMs));
    }
  }

  #elect(): void {
    this.#leader = new SamplingLeader({ last: this.#last });
    for (const { id, stored } of this.#regions) {
      if (stored !== undefined) this.#leader.hear(id, stored, this.#nowMs);
    }
    this.#stepMs = this.#nowMs;
  }

  #isAt(second: number): boolean {
    return Math.abs(this.#nowMs - second * 1_000) < TICK_MS / 2;
  }

  #isCut(region: string): boolean {
    return this.#scenario.faults.some(
      (fault) =>
        fault.kind === "partition" &&
        fault.region === region &&
        this.#nowMs >= fault.atS * 1_000 &&
        this.#nowMs < (fault.atS + fault.forS) * 1_000,
    );
  }

  #later(delayMs: number, run: () => void): void {
    this.#messages.push({ atMs: this.#nowMs + delayMs, order: this.#order++, run });
  }

  #deliver(): void {
    const due = this.#messages.filter(({ atMs }) => atMs <= this.#nowMs);
    if (due.length === 0) return;
    this.#messages = this.#messages.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)) run();
  }
}

/** Of each collector, its part of the whole: evenly from the least busy to the busiest. */
function weightsOf({ collectors, skew }: SimScenario): number[] {
  const weights = Array.from({ length: collectors }, (_, i) =>
    collectors === 1 ? 1 : 1 + ((skew - 1) * i) / (collectors - 1),
  );
  const sum = weights.reduce((all, one) => all + one, 0);
  return weights.map((weight) => weight / sum);
}
