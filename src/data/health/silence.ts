import type { Cancel, Clock } from "../../core/clock.ts";

/** A target that owes answers and has given none for so long is asked what is the matter. */
export const SILENT_MS = 2_000;

/**
 * How a call ended: something was heard, nobody answered in time, or nobody wanted to know any
 * more.
 */
export type CallNews = "heard" | "timeout" | "cancelled";

/**
 * Notices when a target is silent: calls wait, or were given up, and nothing was heard since. One
 * timer, however many calls.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #told: () => void;
  #underWay = 0;
  /** Since when something is owed and nothing was heard. */
  #sinceMs: number | undefined;
  #timer: Cancel | undefined;

  /**
   * `told` is called when a silence has lasted for SILENT_MS; again, if it lasts, only after
   * another call was sent.
   */
  constructor(clock: Clock, told: () => void) {
    this.#clock = clock;
    this.#told = told;
  }

  get lasts(): boolean {
    return this.#sinceMs !== undefined && this.#clock.nowMs() - this.#sinceMs >= SILENT_MS;
  }

  sent(nowMs: number): void {
    this.#underWay++;
    this.#sinceMs ??= nowMs;
    // Left alone once it is set: it checks when it fires, and setting timers costs.
    this.#timer ??= this.#clock.after(SILENT_MS, () => this.#check());
  }

  ended(news: CallNews): void {
    this.#underWay--;
    if (news === "heard") this.heard();
    else if (news === "cancelled" && this.#underWay === 0) this.#rest();
  }

  /** The same of calls in several processes: so many are under way, and some ended like this. */
  told(underWay: number, news: CallNews | undefined): void {
    this.#underWay = underWay;
    if (underWay > 0) {
      this.#sinceMs ??= this.#clock.nowMs();
      this.#timer ??= this.#clock.after(SILENT_MS, () => this.#check());
    }
    if (news === "heard") this.heard();
    else if (news === "cancelled" && underWay === 0) this.#rest();
  }

  /** The target has said something, whatever it was. */
  heard(): void {
    if (this.#underWay === 0) this.#rest();
    else this.#sinceMs = this.#clock.nowMs();
  }

  close(): void {
    this.#rest();
  }

  /** Nothing is owed. */
  #rest(): void {
    this.#sinceMs = undefined;
    this.#timer?.();
    this.#timer = undefined;
  }

  #check(): void {
    this.#timer = undefined;
    if (this.lasts) this.#told();
    else if (this.#underWay > 0) this.#timer = this.#clock.after(SILENT_MS, () => this.#check());
  }
}
