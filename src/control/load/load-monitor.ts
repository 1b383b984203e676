import type { Cancel, Clock } from "../../core/clock.ts";
import { openLoopDelay } from "../../telemetry/loop-delay.ts";
import { FORECAST_STEP_MS, LoadForecaster, type LoadForecast } from "./forecast.ts";
import { GridMeans } from "./grid-means.ts";
import type { HorizonQuality } from "./horizon-errors.ts";
import { LearnedCapacity } from "./learned-capacity.ts";
import { timeInSystemMs } from "./little.ts";
import { LoadHistory } from "./load-history.ts";
import type { LoadReading } from "./load-reading.ts";
import type { LoadCapacity, LoadCounters, LoadSample, LoadSignals } from "./load-report.ts";
import { busyShare, loadBetween, type SampleFacts, signalsBetween } from "./load-sample.ts";
import { type NodeAllowance, type Machine, openAllowance, thisMachine } from "./machine.ts";
import { RecentMean } from "./recent-mean.ts";

/** What a monitor reads, how often, and who is told. */
export interface LoadMonitorOptions {
  readonly clock: Clock;
  /** What has been counted up to now: by a node (`dataPlaneReader`), or by a program. */
  readonly read: () => LoadReading | Promise<LoadReading>;
  /** Between samples; default: 1 s. */
  readonly intervalMs?: number;
  /** Samples that are kept; default: 600. */
  readonly historySize?: number;
  /** Items a second that are known to fit; default: learned. */
  readonly capacity?: number | undefined;
  /** Processors that the work can be spread over; default: as many as there are. */
  readonly usableCores?: number;
  /** Default: this one. */
  readonly machine?: Machine;
  /** How late this thread is, since it was last asked, in milliseconds; default: measured. */
  readonly loopDelayMs?: () => number;
  /** Told of each sample that is there, and of each that could not be taken. Must not throw. */
  readonly sampled?: (sample: LoadSample) => void;
  readonly failed?: (cause: unknown) => void;
}

/** Measures the load from when it is made until it is disposed of. */
export interface LoadMonitor extends Disposable {
  /** undefined before the first. */
  readonly newest: LoadSample | undefined;
  /** The newest so many, oldest first; all that are kept by default. */
  history(most?: number): readonly LoadSample[];
  /** Of items a second; of its own capacity unless another is given. */
  forecast(horizonMs: number, capacity?: number): LoadForecast;
  /** How good forecasts were, by horizon. */
  quality(): readonly HorizonQuality[];
  readonly capacity: LoadCapacity;
  /** undefined before the first sample. */
  readonly signals: LoadSignals | undefined;
  /** Counted since the node's start, as of the newest reading. */
  readonly counters: LoadCounters;
  /** Until the fullest queue is full, if it goes on filling so; undefined: it does not. */
  readonly queueFullInMs: number | undefined;
}

const DEFAULT_INTERVAL_MS = 1_000;
const DEFAULT_HISTORY_SIZE = 600;
/** With so many series more, samples are so much rarer: the work for them stays a small share. */
const SERIES_PER_INTERVAL = 5_000;
/** Memory of what leaves, and of how a queue grows: some ten samples. */
const LATELY_GAIN = 0.1;

/** The first sample comes after one interval. */
export function createLoadMonitor(options: LoadMonitorOptions): LoadMonitor {
  return new Monitor(options);
}

class Monitor implements LoadMonitor {
  readonly #options: LoadMonitorOptions;
  readonly #intervalMs: number;
  readonly #allowance: NodeAllowance;
  readonly #usableCores: number;
  readonly #history: LoadHistory<LoadSample>;
  readonly #forecaster = new LoadForecaster({});
  readonly #means = new GridMeans(FORECAST_STEP_MS, (step, mean) => this.#forecaster.add(step, mean));
  readonly #capacity: LearnedCapacity;
  readonly #leaving = new RecentMean(LATELY_GAIN);
  readonly #filling = new RecentMean(LATELY_GAIN);
  readonly #loopDelayMs: () => number;
  #closeLoopDelay: (() => void) | undefined;
  signals: LoadSignals | undefined;
  #before: { readonly reading: LoadReading; readonly atMs: number } | undefined;
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(options: LoadMonitorOptions) {
    const { machine = thisMachine(), intervalMs = DEFAULT_INTERVAL_MS, historySize = DEFAULT_HISTORY_SIZE } = options;
    this.#options = options;
    this.#intervalMs = intervalMs;
    this.#allowance = openAllowance(machine);
    this.#usableCores = options.usableCores ?? machine.cores;
    this.#history = new LoadHistory(historySize);
    this.#capacity = new LearnedCapacity(options.capacity);
    this.#loopDelayMs = options.loopDelayMs ?? this.#measureLoop();
    void this.#sample();
  }

  get newest(): LoadSample | undefined {
    return this.#history.newest;
  }

  history(most?: number): readonly LoadSample[] {
    return this.#history.list(most);
  }

  forecast(horizonMs: number, capacity?: number): LoadForecast {
    const own = this.capacity;
    return this.#forecaster.forecast(
      horizonMs,
      capacity ?? (own.source === "unknown" ? undefined : own.items_per_second),
    );
  }

  quality(): readonly HorizonQuality[] {
    return this.#forecaster.quality();
  }

  get capacity(): LoadCapacity {
    return this.#capacity.capacity;
  }

  get counters(): LoadCounters {
    const { reading } = this.#before ?? {};
    const { deliveredItems = 0, failedItems = 0, unroutedItems = 0 } = reading ?? {};
    const { requests = 0, refusedRequests = 0 } = reading ?? {};
    // Nobody has those either: a config that is tried may have lost a rule.
    const failed = failedItems + unroutedItems;
    return { attemptedItems: deliveredItems + failed, failedItems: failed, requests, refusedRequests };
  }

  get queueFullInMs(): number | undefined {
    const free = Math.max(0, 1 - (this.#before?.reading.queueShare ?? 0));
    return timeInSystemMs(free, this.#filling.mean);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#closeLoopDelay?.();
  }

  /** One after the other: however long one takes, the next begins after it. */
  async #sample(): Promise<void> {
    const { clock, read, failed } = this.#options;
    const startedMs = clock.nowMs();
    let rarer = 1;
    try {
      const reading = await read();
      if (this.#isClosed) return;
      rarer = Math.max(1, Math.ceil((reading.series ?? 0) / SERIES_PER_INTERVAL));
      this.#take(reading, clock.nowMs());
    } catch (cause) {
      failed?.(cause); // as when the node stops; the next one counts what was missed
    }
    if (this.#isClosed) return;
    const tookMs = clock.nowMs() - startedMs;
    this.#cancel = clock.after(Math.max(0, rarer * this.#intervalMs - tookMs), () => void this.#sample());
  }

  #take(reading: LoadReading, nowMs: number): void {
    const before = this.#before;
    this.#before = { reading, atMs: nowMs };
    const ownEventLoopMs = this.#loopDelayMs();
    if (before === undefined || nowMs <= before.atMs) return;
    const seconds = (nowMs - before.atMs) / 1_000;
    const left = (reading.deliveredItems ?? 0) - (before.reading.deliveredItems ?? 0);
    this.#leaving.add(Math.max(0, left) / seconds);
    this.#filling.add(((reading.queueShare ?? 0) - (before.reading.queueShare ?? 0)) / seconds);
    const facts: SampleFacts = {
      seconds,
      cores: this.#allowance.cores(),
      usableCores: this.#usableCores,
      memoryShare: this.#allowance.memoryShare(),
      ownEventLoopMs,
      leavingPerSecond: this.#leaving.mean,
    };
    const sample = { atMs: this.#options.clock.wallMs(), ...loadBetween(before.reading, reading, facts) };
    this.#history.add(sample);
    this.signals = signalsBetween(before.reading, reading, facts);
    this.#means.add(nowMs, sample.items_per_second);
    const cpuShare = busyShare(before.reading, reading, facts);
    this.#capacity.learn({ itemsPerSecond: sample.items_per_second, cpuShare });
    this.#options.sampled?.(sample);
  }

  #measureLoop(): () => number {
    const delay = openLoopDelay();
    this.#closeLoopDelay = () => delay[Symbol.dispose]();
    return () => delay.readMs();
  }
}
