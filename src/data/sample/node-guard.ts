import type { Clock } from "../../core/clock.ts";
import { type GuardBound, SamplingGuard } from "../../plan/sampling/sampling-guard.ts";

/** The guard of a process, which all of its signals share; it lowers nothing while none is set. */
export class NodeGuard {
  readonly #clock: Clock;
  #guard: SamplingGuard | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isGuarding(): boolean {
    return this.#guard?.isGuarding === true;
  }

  /** undefined: none holds. */
  bind(bound: GuardBound | undefined): void {
    if (bound === undefined) this.#guard = undefined;
    else (this.#guard ??= new SamplingGuard()).setBound(bound);
  }

  /** The highest rate of what is not protected, now. */
  rate(): number {
    return this.#guard === undefined ? 1 : this.#guard.rateAt(this.#clock.nowMs());
  }

  /** Of a request that goes on. */
  kept(unprotectedItems: number, protectedItems: number): void {
    this.#guard?.kept(unprotectedItems, protectedItems);
  }
}
