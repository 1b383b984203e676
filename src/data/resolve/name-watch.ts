import type { Cancel } from "../../core/clock.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { Answer, Resolver } from "./resolver.ts";

interface NameWatchEnv extends TimeAndChance {
  readonly resolver: Resolver;
}

/** A name is asked for at least this often, whatever its TTL. */
const MAX_PERIOD_MS = 30_000;
/** And no more often: a TTL of 0 is one. */
const MIN_PERIOD_MS = 1_000;
/** Where nobody tells a TTL. */
const DEFAULT_PERIOD_MS = 10_000;
/** After a failure. */
export const RETRY_MS = 5_000;

/** Asks what is behind a name, again and again as its TTL says, until it is closed. */
export class NameWatch {
  readonly #name: string;
  readonly #env: NameWatchEnv;
  readonly #told: (answer: Answer) => void;
  #cancel: Cancel = () => undefined;
  #closed = false;

  /** Asks at once; `told` is never called from within. */
  constructor(name: string, env: NameWatchEnv, told: (answer: Answer) => void) {
    this.#name = name;
    this.#env = env;
    this.#told = told;
    this.#ask();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #ask(): void {
    this.#cancel = this.#env.resolver.resolve(this.#name, (answer) => {
      if (this.#closed) return;
      // Less up to a fifth, so that names and nodes do not ask in step.
      const delayMs = Math.max(MIN_PERIOD_MS, periodMs(answer) * (0.8 + 0.2 * this.#env.random.next()));
      this.#cancel = this.#env.clock.after(delayMs, () => this.#ask());
      this.#told(answer);
    });
  }
}

function periodMs(answer: Answer): number {
  if (answer.kind === "failed") return RETRY_MS;
  return Math.min(MAX_PERIOD_MS, answer.ttlMs ?? DEFAULT_PERIOD_MS);
}
