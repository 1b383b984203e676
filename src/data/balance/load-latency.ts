import type { Random } from "../../core/random.ts";
import { loadScore, type ScoreWeights } from "../load/load-score.ts";
import { LatencyOrder } from "./latency.ts";
import { isCandidate, type Picker, type PoolView } from "./picker.ts";
import { SumTree } from "./sum-tree.ts";

/**
 * Up to here all scores are worked out for each pick; above, those of which something was heard,
 * and a few more in turn.
 */
const FRESH_TARGETS = 16;
const SWEEP = 4;

/** `lowestMs`: of all of them. */
export function scoreOf(view: PoolView, index: number, lowestMs: number, weights: ScoreWeights): number {
  const gauge = view.gauge(index);
  return loadScore(gauge.load(view.nowMs), gauge.latencyMs(view.nowMs), lowestMs, weights);
}

/**
 * At random, by weight times the square of a score: that of a target that is idle and the fastest
 * is 1. Chance keeps many nodes, or many picks with the same old news, from rushing to the one
 * target that looks best.
 */
export class LoadLatency implements Picker {
  readonly #random: Random;
  readonly #weights: ScoreWeights;
  readonly #order: LatencyOrder;
  readonly #chances: SumTree;
  #swept = 0;
  #charged = -1;
  #lowestMs = 0;

  constructor(size: number, weights: ScoreWeights, random: Random) {
    this.#random = random;
    this.#weights = weights;
    this.#order = new LatencyOrder(size);
    this.#chances = new SumTree(size);
  }

  pick(view: PoolView): number {
    const { candidateCount, candidates } = view;
    const lowest = this.#order.lowest(view);
    if (lowest < 0) return -1;
    this.#lowestMs = view.gauge(lowest).latencyMs(view.nowMs);
    if (this.#charged >= 0) this.#weigh(view, this.#charged);
    this.#charged = -1;
    const count = candidateCount <= FRESH_TARGETS ? candidateCount : SWEEP;
    for (let i = 0; i < count; i++) {
      this.#swept = (this.#swept + 1) % candidateCount;
      this.#weigh(view, candidates[this.#swept]!);
    }
    return this.#chances.find(this.#random.next());
  }

  charge(_: PoolView, index: number): void {
    this.#charged = index; // the call leaves after this
  }

  changed(view: PoolView, index: number): void {
    this.#order.changed(view, index);
    this.#weigh(view, index);
  }

  #weigh(view: PoolView, index: number): void {
    const score = isCandidate(view, index) ? scoreOf(view, index, this.#lowestMs, this.#weights) : 0;
    this.#chances.set(index, score * score * view.weight[index]!);
  }
}
