import type { Cancel } from "../../core/clock.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { Check, CheckOutcome } from "./check.ts";

/** Whom the checker works for; asked anew before each check. */
export interface Checked {
  readonly timeoutMs: number;
  /** Nominal time from one check to the next. */
  intervalMs(): number;
  /** False: this one is left out. */
  wanted(): boolean;
  /** `startedMs`: Clock.nowMs() at which it began. */
  checked(outcome: CheckOutcome, startedMs: number): void;
}

/** Runs a target's checks, one after the other, by the target's interval +-20 %. Owns the check. */
export class Checker implements AsyncDisposable {
  readonly #target: Checked;
  readonly #check: Check;
  readonly #env: TimeAndChance;
  #cancel: Cancel = () => undefined;
  #nextMs = Infinity;
  #running = false;
  #closed = false;

  constructor(target: Checked, check: Check, env: TimeAndChance) {
    this.#target = target;
    this.#check = check;
    this.#env = env;
  }

  /** Clock.nowMs() of the next check; that of the present when one is under way. */
  get nextMs(): number {
    return this.#running ? this.#env.clock.nowMs() : this.#nextMs;
  }

  /** Nominal milliseconds, +-20 %, so that targets and nodes do not ask in step. */
  jitteredMs(): number {
    return this.#target.intervalMs() * (0.8 + 0.4 * this.#env.random.next());
  }

  /** The next check comes in `delayMs` at the latest. */
  within(delayMs: number): void {
    const atMs = this.#env.clock.nowMs() + delayMs;
    if (!this.#closed && !this.#running && atMs < this.#nextMs) this.#plan(delayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#check[Symbol.asyncDispose]();
  }

  #plan(delayMs: number): void {
    this.#cancel();
    this.#nextMs = this.#env.clock.nowMs() + delayMs;
    this.#cancel = this.#env.clock.after(delayMs, () => this.#due());
  }

  #due(): void {
    this.#nextMs = Infinity;
    if (!this.#target.wanted()) {
      this.#plan(this.jitteredMs());
      return;
    }
    this.#running = true;
    const startedMs = this.#env.clock.nowMs();
    this.#cancel = this.#check.run(this.#target.timeoutMs, (outcome) => {
      this.#running = false;
      this.#target.checked(outcome, startedMs);
      if (this.#closed) return;
      // From start to start, so that checks that time out do not become rare.
      const tookMs = this.#env.clock.nowMs() - startedMs;
      this.within(Math.max(0, this.jitteredMs() - tookMs));
    });
  }
}
