import type { ReceivedReport } from "../../plan/sampling/received-counts.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import { NO_REPORTS, type RateWindow, widenWindow } from "./rate-window.ts";
import { itemsOf, ReceivedSums } from "./received-sums.ts";

/** Fewer items say too little: a count of 400 is 5 % off as often as not. */
const ENOUGH_ITEMS = 400;
const LONGEST_WINDOW_MS = 60_000;
/** Of a step of 5 s; the rest is what was known before. */
const SMOOTHING = 0.3;
const SMOOTHING_STEP_MS = 5_000;
const MOST_TICKS = 64;
/** What fades is gone when it is so little. */
const LEAST_PER_SECOND = 1;
/** Collectors come one by one all the time: what most of them receive is what there is. */
const KNOWN_PART = 0.8;
/** Two reports of each collector: a controller that has just begun has not heard of all of them. */
const LEARNING_MS = 10_000;

/** What a region receives, as its controller tells it to the leader. */
export interface RegionRates {
  /** Counts up by one: which one a directive was made from. */
  readonly seq: number;
  /** The newest: over as little time as tells something. */
  readonly latest: readonly ReceivedRow[];
  /** With what was before, which fades. */
  readonly smooth: readonly ReceivedRow[];
  readonly collectors: number;
  /** It has just begun, or knows too little of too many collectors. */
  readonly isLearning: boolean;
}

interface FlowTick {
  readonly forMs: number;
  readonly rows: readonly ReceivedRow[];
  readonly items: number;
}

/**
 * What the collectors of a region receive, from their reports: each tells what it received since it
 * began, so the rate of each is over its own last ones, by its own clock. Time is an argument.
 */
export class RegionFlow {
  readonly #region: string;
  readonly #collectors = new Map<string, RateWindow>();
  #ticks: FlowTick[] = [];
  #smooth: readonly ReceivedRow[] = [];
  #firstMs: number | undefined;
  #lastMs: number | undefined;
  #seq: number;
  readonly #learningMs: number;

  /**
   * `lastSeq`: of the controller before, so that numbers of one region only grow. `learningMs`:
   * until all of its collectors have come to a new controller.
   */
  constructor(region: string, lastSeq = 0, learningMs = LEARNING_MS) {
    this.#region = region;
    this.#seq = lastSeq;
    this.#learningMs = learningMs;
  }

  hear(collector: string, report: ReceivedReport): void {
    const before = this.#collectors.get(collector) ?? NO_REPORTS;
    this.#collectors.set(collector, widenWindow(before, report, this.#region));
  }

  /** It has left, or has been silent for too long. */
  gone(collector: string): void {
    this.#collectors.delete(collector);
  }

  /** Number of the rates that a report will be in which is heard now. */
  get nextSeq(): number {
    return this.#seq + 1;
  }

  /** Items a second, as they are now. */
  get itemsPerSecond(): number {
    let items = 0;
    for (const { rows } of this.#collectors.values()) items += itemsOf(rows ?? []);
    return items;
  }

  tick(nowMs: number): RegionRates {
    this.#firstMs ??= nowMs;
    const sums = new ReceivedSums();
    for (const { rows } of this.#collectors.values()) sums.add(rows ?? []);
    const forMs = this.#lastMs === undefined ? SMOOTHING_STEP_MS : Math.max(1, nowMs - this.#lastMs);
    const { rows } = sums;
    this.#ticks.push({ forMs, rows, items: (itemsOf(rows) * forMs) / 1_000 });
    if (this.#ticks.length > MOST_TICKS) this.#ticks.shift();
    this.#smooth = this.#lastMs === undefined ? rows : this.#smoothed(rows, forMs);
    this.#lastMs = nowMs;
    return {
      seq: ++this.#seq,
      latest: this.#latest(),
      smooth: this.#smooth,
      collectors: this.#collectors.size,
      isLearning: nowMs - this.#firstMs < this.#learningMs || !this.#isMostKnown(),
    };
  }

  #isMostKnown(): boolean {
    let known = 0;
    for (const { rows: its } of this.#collectors.values()) known += its === undefined ? 0 : 1;
    return known >= KNOWN_PART * this.#collectors.size;
  }

  #smoothed(rows: readonly ReceivedRow[], forMs: number): readonly ReceivedRow[] {
    const kept = (1 - SMOOTHING) ** (forMs / SMOOTHING_STEP_MS);
    const mixed = new ReceivedSums().add(this.#smooth, kept).add(rows, 1 - kept).rows;
    return rows.length === 0 && itemsOf(mixed) < LEAST_PER_SECOND ? [] : mixed;
  }

  /** The shortest time up to now in which enough came. */
  #latest(): readonly ReceivedRow[] {
    // Nobody is there: of that there is no doubt.
    if (this.#collectors.size === 0) return [];
    const window: FlowTick[] = [];
    let [forMs, items] = [0, 0];
    for (const tick of this.#ticks.toReversed()) {
      if (window.length > 0 && (items >= ENOUGH_ITEMS || forMs >= LONGEST_WINDOW_MS)) break;
      window.push(tick);
      forMs += tick.forMs;
      items += tick.items;
    }
    const sums = new ReceivedSums();
    for (const tick of window) sums.add(tick.rows, tick.forMs / forMs);
    return sums.rows;
  }
}
