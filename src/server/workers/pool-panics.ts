import { type Panic, type PanicEnv, PanicReport, type PanicTeller } from "../../data/balance/panic-report.ts";
import type { SharedPlan } from "./serialized-plan.ts";
import type { FromWorker } from "./messages.ts";

/** A pool that panics, as one worker sees it. */
export interface PoolPanic extends Panic {
  readonly pool: string;
}

/**
 * In a worker: tells the main process which of its pools panic, all of them whenever that changes.
 */
export class PanicNews {
  readonly #send: (message: FromWorker) => void;
  /** Of all pools that there are; undefined: it does not panic. */
  readonly #pools = new Map<string, Panic | undefined>();
  #isPending = false;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  /** For a pool. Its first word is told, whatever it is: one that has begun is heard then. */
  tellerOf(pool: string): PanicTeller {
    return {
      tell: (panic) => {
        if (this.#pools.has(pool) && (this.#pools.get(pool) === undefined) === (panic === undefined)) return;
        this.#pools.set(pool, panic);
        this.#tell();
      },
      // The main process knows the plan; who shuts down says nothing of how its targets are.
      close: () => void this.#pools.delete(pool),
    };
  }

  /** Those of one turn together. */
  #tell(): void {
    if (this.#isPending) return;
    this.#isPending = true;
    setImmediate(() => {
      this.#isPending = false;
      const panics = Array.from(this.#pools, ([pool, panic]) => panic && { pool, ...panic });
      this.#send({ kind: "panics", panics: panics.filter((panic) => panic !== undefined) });
    });
  }
}

/**
 * In the main process: a pool of the node panics when it does in any worker. Counted and logged
 * once, whatever their number.
 */
export class PoolPanics {
  readonly #env: PanicEnv;
  readonly #reports = new Map<string, PanicReport>();
  /** By index of the worker. */
  readonly #told = new Map<number, readonly PoolPanic[]>();
  /** The last that told anything has ended: what it said holds until another says something. */
  #ended: number | undefined;

  constructor(env: PanicEnv) {
    this.#env = env;
  }

  /** These are the pools that there are. */
  adopt({ pools }: Pick<SharedPlan, "pools">): void {
    const names = new Set(pools.map(({ name }) => name));
    for (const [name, report] of this.#reports) {
      if (names.has(name)) continue;
      report.close();
      this.#reports.delete(name);
    }
    for (const name of names) if (!this.#reports.has(name)) this.#reports.set(name, new PanicReport(name, this.#env));
    this.#tell();
  }

  told(worker: number, panics: readonly PoolPanic[]): void {
    if (this.#ended !== undefined) this.#told.delete(this.#ended);
    this.#ended = undefined;
    this.#told.set(worker, panics);
    this.#tell();
  }

  ended(worker: number): void {
    if (!this.#told.has(worker)) return;
    if (this.#told.size === 1) this.#ended = worker;
    else this.#told.delete(worker);
    this.#tell();
  }

  #tell(): void {
    const all = [...this.#told.values()].flat();
    for (const [name, report] of this.#reports) report.tell(all.find(({ pool }) => pool === name));
  }
}
