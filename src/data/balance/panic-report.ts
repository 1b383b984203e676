import type { CountingEnv } from "../../telemetry/env.ts";

/** How many of the targets that count are ready. */
export interface Panic {
  readonly ready: number;
  readonly counted: number;
}

/** Without a log, panics are only counted. */
export type PanicEnv = Pick<CountingEnv, "log" | "metrics">;

/** Is told of one pool whether it panics. */
export interface PanicTeller {
  /** May be told as often as one likes; undefined: it does not panic. */
  tell(panic: Panic | undefined): void;
  /** The pool is gone. */
  close(): void;
}

/** Says loudly that a pool panics, and that it no longer does. */
export class PanicReport implements PanicTeller {
  readonly #pool: string;
  readonly #env: PanicEnv;
  #panics = false;

  constructor(pool: string, env: PanicEnv) {
    this.#pool = pool;
    this.#env = env;
    env.metrics.poolPanic.with(pool).read(() => (this.#panics ? 1 : 0));
    env.metrics.poolPanics.with(pool).add(0);
  }

  tell(panic: Panic | undefined): void {
    const panics = panic !== undefined;
    if (panics === this.#panics) return;
    this.#panics = panics;
    const pool = this.#pool;
    if (panic === undefined)
      this.#env.log?.info("pool no longer panics: at least half of its targets are ready", { pool });
    else {
      this.#env.metrics.poolPanics.with(pool).add(1);
      this.#env.log?.warn("pool panics: less than half of its targets are ready, so all are used", {
        pool,
        ready: panic.ready,
        targets: panic.counted,
      });
    }
  }

  close(): void {
    this.#env.metrics.poolPanic.remove(this.#pool);
  }
}
