import type { Arena } from "../../core/arena/arena.ts";
import type { Cancel, Clock } from "../../core/clock.ts";
import type { Counter } from "../../telemetry/metrics.ts";
import type { Delivery } from "./delivery.ts";
import type { Pools } from "./pools.ts";
import type { Records } from "./records.ts";

interface SparseSweepEnv {
  readonly clock: Clock;
  readonly arena: Arena;
  readonly records: Pick<Records, "moveOut">;
  /** What waits in them is walked in steps. */
  readonly pools: Pick<Pools, "waitingSince">;
  /** Bytes that were copied out. */
  readonly moved: Pick<Counter, "add">;
}

/** What has waited so long is copied out of what it holds to no purpose. */
const WAITED_MS = 1_000;
const EACH_MS = 1_000;
/** Between the steps of one sweep, other work is done. */
const STEP_MS = 10;
/** So many parcels are looked at in one step, and so many bytes copied, or one parcel. */
const LOOKS = 4_096;
const COPIED_BYTES = 1_048_576;

/**
 * Sees that what waits does not hold much more of the arena than it needs: what is in a chunk of
 * which less than a quarter is in use, or is less than a quarter of its request, is copied to
 * memory of its own after a second. It walks the queues once a second, while anything is used.
 */
export class SparseSweep implements Disposable {
  readonly #env: SparseSweepEnv;
  #walk: Iterator<Delivery> | undefined;
  #timer: Cancel | undefined;
  #closed = false;

  constructor(env: SparseSweepEnv) {
    this.#env = env;
    env.arena.onUsed = () => this.#startIn(EACH_MS);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.();
    this.#timer = undefined;
  }

  #startIn(delayMs: number): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = this.#env.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#step();
    });
  }

  #step(): void {
    const { clock, arena, pools } = this.#env;
    if (arena.liveBytes === 0) {
      this.#walk = undefined;
      return; // it is started anew when something comes
    }
    this.#walk ??= pools.waitingSince(clock.nowMs() - WAITED_MS)[Symbol.iterator]();
    if (this.#moveSome(this.#walk)) return this.#startIn(STEP_MS);
    this.#walk = undefined;
    this.#startIn(EACH_MS);
  }

  /** False: there are no more. */
  #moveSome(walk: Iterator<Delivery>): boolean {
    const { records, moved } = this.#env;
    let bytes = 0;
    for (let looks = 0; looks < LOOKS && bytes < COPIED_BYTES; looks++) {
      const next = walk.next();
      if (next.done === true) return false;
      const { owner, record } = next.value;
      if (owner.isSparse?.(record.bytes) !== true) continue;
      records.moveOut(next.value);
      moved.add(record.bytes);
      bytes += record.bytes;
    }
    return true;
  }
}
