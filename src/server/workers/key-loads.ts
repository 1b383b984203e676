import { addLaneLoads, type KeyLoad, type LaneLoad } from "../../data/queue/key-load.ts";
import type { ToWorker } from "./messages.ts";

/**
 * What workers hold in pools that divide by key, while something is saturated there: each is told
 * what the others have, so that all pass on the same keys. Workers are known by their index.
 */
export class KeyLoads {
  /** By pool, then by worker. */
  readonly #loads = new Map<string, Map<number, readonly LaneLoad[]>>();
  readonly #count: number;
  readonly #tell: (index: number, message: ToWorker) => void;

  constructor(count: number, tell: (index: number, message: ToWorker) => void) {
    this.#count = count;
    this.#tell = tell;
  }

  reported(index: number, loads: readonly KeyLoad[]): void {
    for (const { pool, lanes } of loads) {
      const known = this.#loads.get(pool) ?? new Map<number, readonly LaneLoad[]>();
      if (lanes.length > 0) known.set(index, lanes);
      else known.delete(index);
      if (known.size > 0) this.#loads.set(pool, known);
      else this.#loads.delete(pool);
    }
    const pools = loads.map(({ pool }) => pool);
    for (let other = 0; other < this.#count; other++) if (other !== index) this.#tellOthers(other, pools);
  }

  /** A process that is about to begin knows nothing. */
  begin(index: number): void {
    if (this.#loads.size > 0) this.#tellOthers(index, [...this.#loads.keys()]);
  }

  ended(index: number): void {
    const pools = [...this.#loads].flatMap(([pool, known]) => (known.has(index) ? [pool] : []));
    if (pools.length > 0)
      this.reported(
        index,
        pools.map((pool) => ({ pool, lanes: [] })),
      );
  }

  #tellOthers(index: number, pools: readonly string[]): void {
    const loads = pools.map((pool) => {
      const others = [...(this.#loads.get(pool) ?? [])].filter(([other]) => other !== index);
      return { pool, lanes: addLaneLoads(others.map(([, lanes]) => lanes)) };
    });
    this.#tell(index, { kind: "others", loads });
  }
}
