import { keptItems, type ClassRate, rateIn, type RateReason } from "./class-rate.ts";
import type { ReceivedRow, RatedSignal } from "./received.ts";
import {
  SAMPLING_FALLBACK,
  type SamplingDirective,
  type SamplingFallback,
  type SamplingStage,
  samplingStage,
} from "./sampling-directive.ts";
import { GUARD_LEAST_PER_SECOND, type GuardBound, guardedPerSecond } from "./sampling-guard.ts";

interface NodeSamplingOptions {
  readonly region: string;
  readonly fallback?: SamplingFallback;
  /** What the settings alone say of each class, without a leader. */
  readonly ceilings: readonly ClassRate[];
}

interface ToldRows {
  /** Number of the summary of its region that this is in. */
  readonly summary: number;
  readonly rows: readonly ReceivedRow[];
}

/** What a class is kept by. */
export type DecidedRate = Pick<ClassRate, "probability" | "by" | "source"> & {
  readonly reason: RateReason | "fallback";
};

const NO_CEILING: DecidedRate = { probability: 1, reason: "class", by: undefined };

/** Reports that no directive was made from yet: those of 5 minutes. */
const MOST_TOLD = 64;

/**
 * What a node samples by: the last directive, what that one predicted for it, and what is left when
 * none comes any more. Time is an argument.
 */
export class NodeSampling {
  readonly #region: string;
  #fallback: SamplingFallback;
  #ceilings: readonly ClassRate[];
  #directive: SamplingDirective | undefined;
  #heldMs = 0;
  #told: ToldRows[] = [];
  #predicted: number | undefined;

  constructor({ region, fallback = SAMPLING_FALLBACK, ceilings }: NodeSamplingOptions) {
    this.#region = region;
    this.#fallback = fallback;
    this.#ceilings = ceilings;
  }

  /** The config is another one; what was told of the load still holds. */
  configure({ fallback = SAMPLING_FALLBACK, ceilings }: Omit<NodeSamplingOptions, "region">): void {
    this.#fallback = fallback;
    this.#ceilings = ceilings;
  }

  /** What was reported, once it is known which summary of its region it is in. */
  told(rows: readonly ReceivedRow[], summary: number): void {
    this.#told.push({ rows, summary });
    if (this.#told.length > MOST_TOLD) this.#told.shift();
  }

  /** A directive that is to be obeyed from now on, or one that is known and still holds. */
  take(directive: SamplingDirective, nowMs: number): void {
    this.#directive = directive;
    this.#heldMs = nowMs;
    const summary = directive.summaries[this.#region] ?? -1;
    const basis = this.#told.findLast((one) => one.summary <= summary);
    if (basis !== undefined) {
      // Older ones are of no use any more.
      this.#told = this.#told.slice(this.#told.indexOf(basis));
      this.#predicted = basis.rows.reduce((sum, row) => sum + keptItems(directive.rates, row), 0);
    } else this.#predicted ??= directive.equalShare / 2;
  }

  stage(nowMs: number): SamplingStage {
    return samplingStage(this.#directive === undefined ? undefined : nowMs - this.#heldMs, this.#fallback);
  }

  /** The probability of a class now, before the guard; what no class takes is kept. */
  rateOf(signal: RatedSignal, name: string, nowMs: number): number {
    return this.decided(signal, name, nowMs).probability;
  }

  /** The same, with why; `fallback`: nobody has told what to keep for too long. */
  decided(signal: RatedSignal, name: string, nowMs: number): DecidedRate {
    const one = { signal, class: name, region: this.#region };
    const ceiling = this.settled(signal, name);
    if (ceiling.reason === "protected") return ceiling;
    if (this.stage(nowMs) !== "static") return rateIn(this.#rates, one) ?? ceiling;
    const { staticRate } = this.#fallback;
    return staticRate < ceiling.probability ? { probability: staticRate, reason: "fallback", by: undefined } : ceiling;
  }

  /** What the config alone says of it. */
  settled(signal: RatedSignal, name: string): DecidedRate {
    return rateIn(this.#ceilings, { signal, class: name, region: this.#region }) ?? NO_CEILING;
  }

  /** For the guard, whenever a directive was taken or the stage is another one. */
  bound(nowMs: number): GuardBound {
    const stage = this.stage(nowMs);
    const highestRate = stage === "static" ? this.#fallback.staticRate : this.#highest();
    // Without a leader the share itself is the bound.
    const keptPerSecond =
      stage === "directive"
        ? guardedPerSecond(this.#predicted)
        : Math.max(GUARD_LEAST_PER_SECOND, this.#predicted ?? 0);
    return { keptPerSecond, highestRate };
  }

  get #rates(): readonly ClassRate[] {
    return this.#directive?.rates ?? [];
  }

  #highest(): number {
    let highest = 0;
    for (const { reason, region, probability } of this.#rates) {
      if (reason === "protected" || (region !== undefined && region !== this.#region)) continue;
      highest = Math.max(highest, probability);
    }
    return highest > 0 ? highest : 1;
  }
}
