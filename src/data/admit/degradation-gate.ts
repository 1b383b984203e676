import type { Refusal } from "../../core/reason.ts";
import { DEGRADATION_STEPS, type GivenUp } from "../../plan/degradation-plan.ts";

/** How long a sender that is refused should stay away, in milliseconds. Counts the refusal. */
type RefusalDelay = () => number;

const CALM_MS = 1_000;

/** What the node gives up, as each request meets it: one for each process. */
export class DegradationGate {
  /** As it is told; read for each request. */
  level = 0;
  #why = "";
  readonly #delayMs: RefusalDelay;

  constructor(delayMs: RefusalDelay = () => CALM_MS) {
    this.#delayMs = delayMs;
  }

  obey({ level, why }: GivenUp): void {
    this.level = level;
    this.#why = why;
  }

  /** Before anything is read. */
  get refusesAll(): boolean {
    return this.level >= DEGRADATION_STEPS.nothing;
  }

  /** Of signals that have no classes: nothing of them is protected. */
  get refusesUnclassed(): boolean {
    return this.level >= DEGRADATION_STEPS.onlyProtected;
  }

  refuse(): Refusal {
    return { reason: "degraded", message: this.message, retryAfterMs: this.#delayMs() };
  }

  /** Also of a part of a request that is told as lost. */
  get message(): string {
    const why = this.#why === "" ? "" : ` (${this.#why})`;
    return `this node is degraded to level ${this.level}${why}: it takes ${TAKES[this.level] ?? "all"}`;
  }
}

const TAKES: Readonly<Record<number, string>> = {
  [DEGRADATION_STEPS.lowIsRefused]: "nothing of low priority",
  [DEGRADATION_STEPS.onlyProtected]: "only what is protected",
  [DEGRADATION_STEPS.nothing]: "nothing",
};
