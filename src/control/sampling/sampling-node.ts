import type { FleetConfig } from "../../config/schema/config.ts";
import { followedSignals, samplingClasses, sampledSignals } from "../../plan/sampling-classes.ts";
import type { ClassShare, SampledSignal, SamplingClass, SamplingState } from "../../plan/sampling-plan.ts";
import { type DecidedRate, NodeSampling } from "../../plan/sampling/node-sampling.ts";
import { type ReceivedReport, rowsBetween } from "../../plan/sampling/received-counts.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import type { SamplingDirective, SamplingStage } from "../../plan/sampling/sampling-directive.ts";
import { NO_REPORTS, widenWindow } from "./rate-window.ts";
import type { SamplingReading } from "./received-reader.ts";
import { shareReason } from "./share-reason.ts";
import { fallbackOf, writtenCeilings, writtenSampling } from "./written-sampling.ts";

interface SamplingNodeOptions {
  readonly region: string;
  /** What runs; the same object while it is the same. */
  readonly config: () => FleetConfig;
  /** Takes what is kept from now on: `DataPlane.direct`. */
  readonly direct: (state: SamplingState) => void;
}

/** A class as it is kept now. */
export interface ClassNow extends DecidedRate {
  readonly signal: SampledSignal;
  readonly class: SamplingClass;
}

/** It is told anew so often at least: workers divide what their node may keep by what they get. */
const REPEAT_MS = 5_000;

/**
 * What a node keeps of each class, told to its data plane whenever it is another: by the last
 * directive, and by the config when none comes. Time is an argument.
 */
export class SamplingNode {
  readonly #options: SamplingNodeOptions;
  readonly #node: NodeSampling;
  #config: FleetConfig | undefined;
  #classes: readonly SamplingClass[] = [];
  #sampled: readonly SampledSignal[] = [];
  #follows: readonly SampledSignal[] = [];
  #directive: SamplingDirective | undefined;
  #takenMs = 0;
  #newest: SamplingReading | undefined;
  #rows: readonly ReceivedRow[] = [];
  /** What its controller has heard, as that sees it. */
  #answered = NO_REPORTS;
  #told = JSON.stringify(NOTHING_DECIDED);
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: SamplingNodeOptions) {
    this.#options = options;
    this.#node = new NodeSampling({ region: options.region, ceilings: [] });
    this.#configure();
  }

  /** Signals whose rates follow what comes. */
  get follows(): readonly SampledSignal[] {
    return this.#follows;
  }

  /** All that was received up to now; undefined while no rate follows that. */
  get newest(): SamplingReading | undefined {
    return this.#follows.length === 0 ? undefined : this.#newest;
  }

  /** What came between the last two readings, a second. */
  get received(): readonly ReceivedRow[] {
    return this.#rows;
  }

  get directive(): SamplingDirective | undefined {
    return this.#directive;
  }

  /** Since when the last one is known to hold, by the monotonic clock. */
  get takenMs(): number {
    return this.#takenMs;
  }

  /** undefined: the config alone decides. */
  stage(nowMs: number): SamplingStage | undefined {
    return this.#follows.length === 0 ? undefined : this.#node.stage(nowMs);
  }

  /** undefined: as much as comes. */
  boundPerSecond(nowMs: number): number | undefined {
    return this.#follows.length === 0 ? undefined : this.#node.bound(nowMs).keptPerSecond;
  }

  classes(nowMs: number): ClassNow[] {
    return this.#classes.flatMap((one) =>
      one.signals
        .filter((signal) => this.#sampled.includes(signal))
        .map((signal) => {
          const isDecided = this.#isDecided(signal, nowMs);
          const rate = isDecided ? this.#node.decided(signal, one.name, nowMs) : this.#node.settled(signal, one.name);
          return { ...rate, signal, class: one };
        }),
    );
  }

  /** Something was counted. */
  read(reading: SamplingReading, nowMs: number): void {
    this.#rows = rowsBetween(this.#newest?.report, reading.report, this.#options.region) ?? this.#rows;
    this.#newest = reading;
    this.refresh(nowMs);
  }

  /** A report was heard, and will be in this summary of its region. */
  answered(report: ReceivedReport, summary: number): void {
    const before = this.#answered;
    this.#answered = widenWindow(before, report, this.#options.region);
    const { rows } = this.#answered;
    if (this.#answered !== before && rows !== undefined) this.#node.told(rows, summary);
  }

  /** It is to be obeyed from now on. */
  take(directive: SamplingDirective, nowMs: number): void {
    this.#directive = directive;
    this.#takenMs = nowMs;
    this.#node.take(directive, nowMs);
    this.refresh(nowMs);
  }

  /** Once a second or so, and when the config is another one. */
  refresh(nowMs: number): void {
    if (this.#options.config() !== this.#config) this.#configure();
    const state = this.#state(nowMs);
    const text = JSON.stringify(state);
    const isDue = state.bound !== undefined && nowMs - this.#toldMs >= REPEAT_MS;
    if (text === this.#told && !isDue) return;
    [this.#told, this.#toldMs] = [text, nowMs];
    this.#options.direct(state);
  }

  #configure(): void {
    const config = this.#options.config();
    this.#config = config;
    this.#follows = followedSignals(config);
    this.#sampled = sampledSignals(config);
    this.#classes = samplingClasses(config).classes;
    this.#node.configure({ ceilings: writtenCeilings(writtenSampling(config)), fallback: fallbackOf(config) });
  }

  /** What no rate follows has no fallback: without a directive the config says all of it. */
  #isDecided(signal: SampledSignal, nowMs: number): boolean {
    return this.#follows.includes(signal) || this.stage(nowMs) === "directive";
  }

  #state(nowMs: number): SamplingState {
    if (this.stage(nowMs) === undefined) return NOTHING_DECIDED;
    const decided = this.classes(nowMs).filter(({ signal }) => this.#isDecided(signal, nowMs));
    const shares = (signal: SampledSignal): ClassShare[] =>
      decided
        .filter((one) => one.signal === signal)
        .map((one) => ({
          class: one.class.name,
          probability: one.probability,
          reason: shareReason(one, one.class.from),
          ...(one.source !== undefined && { source: one.source.rate }),
        }));
    return { traces: shares("traces"), logs: shares("logs"), bound: this.#node.bound(nowMs) };
  }
}

const NOTHING_DECIDED: SamplingState = { traces: [], logs: [] };
