import type { ClassRate } from "../../plan/sampling/class-rate.ts";
import { keptItems } from "../../plan/sampling/class-rate.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { composeSampling, type SamplingComposition } from "./compose.ts";
import { RATE_STEP_POLICY, type RateStepPolicy, stepRate } from "./rate-step.ts";
import { itemsOf, ReceivedSums } from "./received-sums.ts";
import type { RegionRates } from "./region-flow.ts";
import type { SamplingSettings } from "./sampling-settings.ts";

interface SamplingLeaderOptions {
  readonly policy?: RateStepPolicy;
  /** A directive that no other one follows is obeyed for so long. */
  readonly validForMs?: number;
  /** What the leader before this one published last. */
  readonly last?: SamplingDirective | undefined;
}

/** What is left of a silent region after each 5 s, once its directive cannot be in force. */
const FADE = 0.9;
const FADE_STEP_MS = 5_000;
/** A directive says what it was made from, at the latest so long after the last one. */
const RENEW_MS = 15_000;
/** A region that receives so much more, or less, than when it was told last is told again. */
const NEWS_BAND = 0.25;

const NOTHING_RECEIVED = { received: [], directive: undefined } as const;

interface HeardRegion {
  readonly rates: RegionRates;
  readonly heardMs: number;
}

export interface SamplingStep {
  readonly composition: SamplingComposition;
  /** What it was decided from. */
  readonly received: readonly ReceivedRow[];
  /** Rates of strategies, by name. */
  readonly held: ReadonlyMap<string, number>;
  /** Undefined: the last one says it all. */
  readonly directive: SamplingDirective | undefined;
}

/**
 * Decides on the rates of a fleet from what its regions receive: down at once, up by steps, and not
 * at all for little. It looks at what comes before sampling, so it never answers to itself.
 */
export class SamplingLeader {
  readonly #policy: RateStepPolicy;
  readonly #validForMs: number;
  readonly #regions = new Map<string, HeardRegion>();
  #held: ReadonlyMap<string, number>;
  #last: SamplingDirective | undefined;
  #steppedMs: number | undefined;
  #publishedMs = Number.NEGATIVE_INFINITY;
  #published = new Map<string, number>();

  constructor({ policy = RATE_STEP_POLICY, validForMs = 300_000, last }: SamplingLeaderOptions = {}) {
    this.#policy = policy;
    this.#validForMs = validForMs;
    this.#held = new Map(Object.entries(last?.held ?? {}));
    this.#last = last;
  }

  /** A controller that has just begun does not know yet: what it said before still counts. */
  hear(region: string, rates: RegionRates, nowMs: number): void {
    // What is read again, or was overtaken, is no sign of life.
    if (rates.isLearning || rates.seq <= (this.#regions.get(region)?.rates.seq ?? -1)) return;
    this.#regions.set(region, { rates, heardMs: nowMs });
  }

  /** The region is no part of the fleet any more. */
  forget(region: string): void {
    this.#regions.delete(region);
  }

  /** Nothing is published before it is known what anybody receives. */
  step(settings: SamplingSettings, nowMs: number): SamplingStep {
    if (this.#regions.size === 0)
      return { composition: composeSampling([], settings, this.#held), ...NOTHING_RECEIVED, held: this.#held };
    const latest = this.#received("latest", nowMs);
    const wanted = [latest, this.#received("smooth", nowMs)].map((rows) => composeSampling(rows, settings).budgets);
    const sinceMs = this.#steppedMs === undefined ? this.#policy.stepMs : nowMs - this.#steppedMs;
    const held = new Map<string, number>();
    for (const [i, { name }] of settings.budgets.entries()) {
      // Of what comes now and what came lately, the one that allows less.
      const rate = Math.min(...wanted.map((budgets) => budgets[i]!.rate));
      held.set(name, stepRate(this.#held.get(name), rate, sinceMs, this.#policy));
    }
    this.#held = held;
    this.#steppedMs = nowMs;
    const composition = composeSampling(latest, settings, held);
    return { composition, received: latest, held, directive: this.#publish(composition, latest, nowMs) };
  }

  #received(which: "latest" | "smooth", nowMs: number): readonly ReceivedRow[] {
    const sums = new ReceivedSums();
    for (const { rates, heardMs } of this.#regions.values()) sums.add(rates[which], this.#weight(nowMs - heardMs));
    return sums.rows;
  }

  /**
   * While its directive may be in force a silent region goes on as it was; what it is given after
   * that is less and less, since nobody knows of it.
   */
  #weight(silentMs: number): number {
    const overMs = silentMs - this.#validForMs;
    return overMs <= 0 ? 1 : FADE ** (overMs / FADE_STEP_MS);
  }

  #publish(
    composition: SamplingComposition,
    latest: readonly ReceivedRow[],
    nowMs: number,
  ): SamplingDirective | undefined {
    const isDue = nowMs - this.#publishedMs >= RENEW_MS;
    if (!isDue && areSame(composition.rates, this.#last?.rates) && !this.#isNews()) return undefined;
    let [kept, collectors] = [0, 0];
    for (const row of latest) kept += keptItems(composition.rates, row);
    const summaries: Record<string, number> = {};
    for (const [region, { rates }] of this.#regions) {
      collectors += rates.collectors;
      summaries[region] = rates.seq;
      this.#published.set(region, itemsOf(rates.latest));
    }
    this.#last = {
      rates: composition.rates,
      held: Object.fromEntries(this.#held),
      summaries,
      equalShare: kept / Math.max(1, collectors),
    };
    this.#publishedMs = nowMs;
    return this.#last;
  }

  #isNews(): boolean {
    for (const [region, { rates }] of this.#regions) {
      const before = this.#published.get(region) ?? 0;
      if (Math.abs(itemsOf(rates.latest) - before) > NEWS_BAND * before) return true;
    }
    return false;
  }
}

function areSame(rates: readonly ClassRate[], before: readonly ClassRate[] | undefined): boolean {
  return JSON.stringify(rates) === JSON.stringify(before);
}
