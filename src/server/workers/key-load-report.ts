import type { Clock } from "../../core/clock.ts";
import type { KeyLoad } from "../../data/queue/key-load.ts";
import type { FromWorker } from "./messages.ts";

/** The data plane as its pools that divide by key are concerned. */
interface KeyedPlane {
  keyLoads(): KeyLoad[];
  learnKeyLoad(load: KeyLoad): void;
}

const REFRESH_MS = 100;

/** Tells what a worker holds of keys, as long as anybody has to know, and what the others do. */
export class KeyLoadReport {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  /** As JSON, by pool. */
  readonly #said = new Map<string, string>();
  /** Of the others, what was told before there was a data plane. */
  readonly #early = new Map<string, KeyLoad>();
  #plane: KeyedPlane | undefined;

  constructor(clock: Clock, send: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  attend(plane: KeyedPlane): void {
    this.#plane = plane;
    for (const load of this.#early.values()) plane.learnKeyLoad(load);
    this.#early.clear();
    this.#refreshAgain();
  }

  told(loads: readonly KeyLoad[]): void {
    for (const load of loads) {
      if (this.#plane === undefined) this.#early.set(load.pool, load);
      else this.#plane.learnKeyLoad(load);
    }
  }

  #refreshAgain(): void {
    this.#clock.after(REFRESH_MS, () => this.#refreshAgain());
    const loads: KeyLoad[] = [];
    const gone = new Set(this.#said.keys());
    for (const load of this.#plane?.keyLoads() ?? []) {
      const { pool, lanes } = load;
      gone.delete(pool);
      const said = JSON.stringify(lanes);
      if (this.#said.get(pool) === said) continue;
      this.#said.set(pool, said);
      loads.push(load);
    }
    for (const pool of gone) {
      this.#said.delete(pool);
      loads.push({ pool, lanes: [] });
    }
    if (loads.length > 0) this.#send({ kind: "loads", loads });
  }
}
