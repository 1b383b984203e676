import type { Random } from "../../core/random.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import { loadScore, type ScoreWeights } from "../load/load-score.ts";
import { PartPicker, probeAmong } from "./part-picker.ts";
import type { Parts, RetryHistory } from "./parts.ts";
import type { TargetHandle } from "./target-port.ts";

/** Who says that all of it is in use gets this share: what it says is not of this moment. */
const LEAST_FREE = 0.05;

/**
 * Picks among members of the fleet. With `least_connections` and `load_latency` also by what they
 * say of their own load; otherwise, and for what has failed before, as among the addresses of a
 * name. There are few of them: all are looked at for each pick.
 */
export class MemberPicker implements Parts {
  readonly all: readonly TargetHandle[];
  readonly #plain: PartPicker;
  readonly #random: Random;
  /** What each was given for its weight, while nothing told them apart. */
  readonly #given: Float64Array;
  #lastGiven = 0;
  /** Of those that may be picked, and 0 for the others. */
  readonly #chances: Float64Array;

  constructor(all: readonly TargetHandle[], random: Random) {
    this.all = all;
    this.#plain = new PartPicker(all);
    this.#random = random;
    this.#given = new Float64Array(all.length);
    this.#chances = new Float64Array(all.length);
  }

  pick(
    history: RetryHistory,
    paused: readonly string[],
    nowMs: number,
    signal?: Signal,
    strategy?: StrategyPlan,
  ): TargetHandle | undefined {
    const { avoid, unreachable, unwilling } = history;
    const isFirst = avoid === "" && unreachable.length === 0 && unwilling.length === 0;
    const index = isFirst ? this.#byLoad(strategy, history, paused, nowMs, signal) : -1;
    return this.all[index] ?? this.#plain.pick(history, paused, nowMs, signal);
  }

  /** -1: it is not to be picked so. */
  #byLoad(
    strategy: StrategyPlan | undefined,
    history: RetryHistory,
    paused: readonly string[],
    nowMs: number,
    signal: Signal | undefined,
  ): number {
    const isByLoad = strategy?.type === "least_connections" || strategy?.type === "load_latency";
    if (!isByLoad || probeAmong(this.all, history, paused, signal) !== undefined) return -1;
    for (const [i, part] of this.all.entries()) {
      const isFree = part.usable(nowMs, signal) && part.inFlight < part.windowSize() && !paused.includes(part.key);
      this.#chances[i] = isFree ? part.share(nowMs) : 0;
    }
    return strategy.type === "load_latency" ? this.#byScore(strategy, nowMs) : this.#byCalls(nowMs);
  }

  /**
   * The fewest calls under way for what is free of it; where that is the same, as it is where
   * nothing is under way, in turn for that.
   */
  #byCalls(nowMs: number): number {
    let best = -1;
    let least = Infinity;
    let fewest = Infinity;
    for (const [i, part] of this.all.entries()) {
      if (this.#chances[i] === 0) {
        // Who was away begins where the others are.
        this.#given[i] = Math.max(this.#given[i]!, this.#lastGiven);
        continue;
      }
      this.#chances[i]! *= Math.max(LEAST_FREE, 1 - (part.load.reported(nowMs)?.utilisation ?? 0));
      const cost = part.inFlight / this.#chances[i]!;
      const given = this.#given[i]! + 1 / this.#chances[i]!;
      if (cost > least || (cost === least && given >= fewest)) continue;
      best = i;
      least = cost;
      fewest = given;
    }
    if (best < 0) return best;
    this.#lastGiven = this.#given[best]!;
    this.#given[best] = fewest;
    return best;
  }

  /** At random, by the square of the score, as load_latency does among targets. */
  #byScore(weights: ScoreWeights, nowMs: number): number {
    let lowestMs = Infinity;
    for (const [i, part] of this.all.entries()) {
      if (this.#chances[i]! > 0) lowestMs = Math.min(lowestMs, part.load.latencyMs(nowMs));
    }
    let sum = 0;
    for (const [i, part] of this.all.entries()) {
      if (this.#chances[i] === 0) continue;
      const used = part.load.score(nowMs, part.windowSize());
      const score = loadScore(used, part.load.latencyMs(nowMs), lowestMs, weights);
      this.#chances[i]! *= score * score;
      sum += this.#chances[i]!;
    }
    let left = this.#random.next() * sum;
    let last = -1;
    for (const [i, chance] of this.#chances.entries()) {
      if (chance === 0) continue;
      last = i;
      left -= chance;
      if (left < 0) break;
    }
    return last;
  }
}
