import type { Random } from "../../src/core/random.ts";
import { isNewsOfNode, loadTold, NO_LOAD_TOLD } from "../../src/control/sampling/load-news.ts";
import { NO_REPORTS, widenWindow } from "../../src/control/sampling/rate-window.ts";
import { itemsOf } from "../../src/control/sampling/received-sums.ts";
import type { ClassRate } from "../../src/plan/sampling/class-rate.ts";
import { NodeSampling } from "../../src/plan/sampling/node-sampling.ts";
import { octaveOf, type ReceivedCounts, type ReceivedReport } from "../../src/plan/sampling/received-counts.ts";
import { keptPart } from "../../src/plan/sampling/received.ts";
import type { SamplingDirective } from "../../src/plan/sampling/sampling-directive.ts";
import { SamplingGuard } from "../../src/plan/sampling/sampling-guard.ts";
import { drawBinomial, drawPoisson } from "./draw.ts";

/** What comes to a collector of one class and probability on arrival. */
export interface SimStream {
  readonly class: string;
  readonly arrival: number;
  readonly perSecond: number;
}

export interface SimTally {
  received: number;
  kept: number;
  /** Sums of adjusted counts: on arrival, and of what is kept. */
  origin: number;
  represented: number;
}

export interface SimCollectorOptions {
  readonly id: string;
  readonly region: string;
  readonly ceilings: readonly ClassRate[];
  readonly random: Random;
}

interface SimCounts {
  items: number;
  adjusted: number;
  kept: number;
}

const REPORT_MS = 5_000;
const REQUEST_ITEMS = 500;

/** One node of the simulation: the real guard and the real following of directives. */
export class SimCollector {
  readonly id: string;
  readonly region: string;
  readonly #sampling: NodeSampling;
  readonly #ceilings: readonly ClassRate[];
  readonly #guard = new SamplingGuard();
  readonly #random: Random;
  readonly #counts = new Map<string, SimCounts & { readonly class: string; readonly arrival: number }>();
  #rates = new Map<string, number>();
  #refreshMs = Number.NEGATIVE_INFINITY;
  #reportMs: number;
  #told = NO_LOAD_TOLD;
  #sent = NO_REPORTS;
  #answered = NO_REPORTS;
  #second = { startMs: 0, items: 0, perSecond: 0 };

  constructor({ id, region, ceilings, random }: SimCollectorOptions) {
    this.id = id;
    this.region = region;
    this.#random = random;
    this.#ceilings = ceilings;
    this.#sampling = new NodeSampling({ region, ceilings });
    this.#reportMs = random.next() * REPORT_MS;
  }

  get isGuarding(): boolean {
    return this.#guard.isGuarding;
  }

  /** The most that it may keep in a second. */
  boundAt(nowMs: number): number {
    return this.#sampling.bound(nowMs).keptPerSecond;
  }

  run(streams: readonly SimStream[], nowMs: number, forMs: number, tally: SimTally): void {
    if (nowMs - this.#refreshMs >= 1_000) this.#refresh(nowMs);
    for (const stream of streams) {
      let count = drawPoisson((stream.perSecond * forMs) / 1_000, this.#random);
      this.#second.items += count;
      for (; count > 0; count -= REQUEST_ITEMS) this.#take(stream, Math.min(count, REQUEST_ITEMS), nowMs, tally);
    }
    if (nowMs - this.#second.startMs >= 1_000) {
      const { startMs, items } = this.#second;
      this.#second = { startMs: nowMs, items: 0, perSecond: (items * 1_000) / (nowMs - startMs) };
    }
  }

  /** Each 5 s, and when more or less comes. Undefined: nothing is to be told. */
  report(nowMs: number): ReceivedReport | undefined {
    const { perSecond } = this.#second;
    const isFirst = this.#sent.reports.length === 0;
    if (nowMs < this.#reportMs && (isFirst || !isNewsOfNode(this.#told, perSecond, nowMs))) return undefined;
    this.#reportMs = nowMs + REPORT_MS;
    const report = { run: this.id, atMs: nowMs, counts: [...this.#counts.values()].map(reported) };
    this.#sent = widenWindow(this.#sent, report, this.region);
    this.#told = loadTold(this.#told, { perSecond, toldPerSecond: itemsOf(this.#sent.rows ?? []) }, nowMs);
    return report;
  }

  /** The answer to a report: in which summary of its region it will be. */
  answered(report: ReceivedReport, summary: number): void {
    const before = this.#answered;
    this.#answered = widenWindow(before, report, this.region);
    const { rows } = this.#answered;
    if (this.#answered !== before && rows !== undefined) this.#sampling.told(rows, summary);
  }

  take(directive: SamplingDirective, nowMs: number): void {
    this.#sampling.take(directive, nowMs);
    this.#refresh(nowMs);
  }

  #refresh(nowMs: number): void {
    this.#refreshMs = nowMs;
    this.#rates = new Map();
    this.#guard.setBound(this.#sampling.bound(nowMs));
  }

  #take({ class: name, arrival }: SimStream, count: number, nowMs: number, tally: SimTally): void {
    const isProtected = this.#ceilings.some((one) => one.class === name && one.reason === "protected");
    let rate = this.#rates.get(name);
    if (rate === undefined) {
      rate = this.#sampling.rateOf("traces", name, nowMs);
      this.#rates.set(name, rate);
    }
    const probability = isProtected ? rate : Math.min(rate, this.#guard.rateAt(nowMs));
    const kept = drawBinomial(count, keptPart(probability, arrival), this.#random);
    this.#guard.kept(isProtected ? 0 : kept, isProtected ? kept : 0);
    tally.received += count;
    tally.kept += kept;
    tally.origin += count / arrival;
    tally.represented += kept / Math.min(probability, arrival);
    const key = `${name} ${arrival}`;
    const counts = this.#counts.get(key) ?? { class: name, arrival, items: 0, adjusted: 0, kept: 0 };
    counts.items += count;
    counts.adjusted += count / arrival;
    counts.kept += kept;
    this.#counts.set(key, counts);
  }
}

function reported(counts: SimCounts & { readonly class: string; readonly arrival: number }): ReceivedCounts {
  const { class: name, arrival, items, adjusted, kept } = counts;
  const octave = octaveOf(arrival);
  return { signal: "traces", class: name, octave, items, bytes: 0, traces: items, adjusted, delivered: kept, kept };
}
