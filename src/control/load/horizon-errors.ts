import { RecentMean } from "./recent-mean.ts";

/** What is said of one horizon at one step, to be scored when its time has come. */
export interface Saying {
  /** By Holt; by persistence: what is now; and the interval that was told, if one was. */
  readonly holt: number;
  readonly persistence: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** How well forecasts did that were made for one horizon. */
export interface HorizonQuality {
  readonly horizonMs: number;
  /** Share of what came that was within the interval told before, which is to be 0.95. */
  readonly coverage: number | undefined;
  /** 1 - error of Holt / error of persistence: above 0 it is of use, and used. */
  readonly skill: number | undefined;
  /** Forecasts that have been scored. */
  readonly scored: number;
}

/** Memory of the errors: some 50 steps; and of coverage and skill, which are shares of many. */
const ERROR_GAIN = 0.02;
const SHARE_GAIN = 0.002;
/** Fewer errors say nothing. */
const FEWEST = 10;

/** The errors of forecasts made a number of steps before; what is not scored yet is kept here. */
export class HorizonErrors {
  readonly steps: number;
  readonly #said: (Saying | undefined)[];
  readonly #square = { holt: new RecentMean(ERROR_GAIN), persistence: new RecentMean(ERROR_GAIN) };
  readonly #size = { holt: new RecentMean(SHARE_GAIN), persistence: new RecentMean(SHARE_GAIN) };
  readonly #inside = new RecentMean(SHARE_GAIN);
  #at = 0;

  constructor(steps: number) {
    this.steps = steps;
    this.#said = Array.from({ length: steps });
  }

  /** What came now: scores what was said of it `steps` ago. */
  score(value: number): void {
    const said = this.#said[this.#at];
    if (said === undefined) return;
    const [holt, persistence] = [value - said.holt, value - said.persistence];
    this.#square.holt.add(holt * holt);
    this.#square.persistence.add(persistence * persistence);
    this.#size.holt.add(Math.abs(holt));
    this.#size.persistence.add(Math.abs(persistence));
    if (said.low === undefined || said.high === undefined) return;
    this.#inside.add(value >= said.low && value <= said.high ? 1 : 0);
  }

  /** After `score`: what is said now of so many steps later. */
  say(saying: Saying): void {
    this.#said[this.#at] = saying;
    this.#at = (this.#at + 1) % this.steps;
  }

  /** A step was missed: what was said is scored no more. */
  gap(): void {
    this.#said.fill(undefined);
  }

  get isTelling(): boolean {
    return this.#square.holt.count >= FEWEST;
  }

  /** Holt is better than to say that nothing changes. */
  get hasSkill(): boolean {
    return this.isTelling && this.#size.holt.mean < this.#size.persistence.mean;
  }

  /** Mean square of the errors. */
  variance(method: "holt" | "persistence"): number {
    return this.#square[method].mean;
  }

  quality(stepMs: number): HorizonQuality {
    const worst = this.#size.persistence.mean;
    return {
      horizonMs: this.steps * stepMs,
      coverage: this.#inside.count >= FEWEST ? this.#inside.mean : undefined,
      skill: this.isTelling && worst > 0 ? 1 - this.#size.holt.mean / worst : undefined,
      scored: this.#square.holt.count,
    };
  }
}
