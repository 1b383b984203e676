import type { Cancel } from "../../core/clock.ts";
import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { Copies } from "./copies.ts";
import type { Lanes } from "./lanes.ts";
import type { Parcel } from "./parcel.ts";
import type { QueueLane } from "./queue-lane.ts";
import { isUnread } from "./record.ts";
import type { Records } from "./records.ts";

/** A pool as one that fails over to it sees it. */
export interface FallbackPool {
  readonly name: string;
  /** The pool after it. */
  readonly fallback: string | undefined;
  /** One of its targets can be used for what is of this signal. */
  usable(signal: Signal): boolean;
  hasAnyRoom(signal: Signal): boolean;
  /** One of its targets, usable or not, takes this signal as far as is known. */
  mayTake(signal: Signal): boolean;
  /**
   * Takes a parcel that was not divided for it, of the pool `from` if it was in one. With `full` it
   * stays the caller's, as it was.
   */
  adopt(parcel: Parcel, from?: string): "accepted" | "full";
  /** Calls `listener` once, after something may have changed with its targets or its room. */
  onceChanged(listener: () => void): Cancel;
}

/** The pools of the running plan. */
export interface NamedPools {
  poolNamed(name: string): FallbackPool | undefined;
}

/** A pool that fails over. */
export interface FailingPool {
  readonly name: string;
  /** Counts what moved to a pool. */
  countFailover(to: string, when: "backlog", points: number): void;
  /** There is more to move, or that may be. */
  wake(): void;
}

/** So much moves in one turn of the event loop. */
const BYTES_A_TURN = 8 * 1_024 * 1_024;

/**
 * Moves what waits in a pool without a usable target to the fallback pools. It does not come back:
 * each parcel belongs to the pool that took it.
 */
export class PoolFailover {
  readonly #own: FailingPool;
  readonly #pools: NamedPools;
  readonly #records: Records;
  /**
   * Those of which one moved: the others are withdrawn. What was copied is counted once for all its
   * targets.
   */
  readonly #moved = new WeakSet<Copies>();
  #waitingFor: Cancel | undefined;

  constructor(own: FailingPool, pools: NamedPools, records: Records) {
    this.#own = own;
    this.#pools = pools;
    this.#records = records;
  }

  /**
   * Moves what it can. `divided`: channels have targets of their own, so one may be down without
   * the others.
   */
  run(lanes: Lanes, fallback: string | undefined, divided: boolean): void {
    this.stop();
    if (fallback === undefined) return;
    let bytes = 0;
    for (const signal of SIGNALS) {
      if (!lanes.all.some((lane) => lane.holds(signal))) continue;
      if (!divided && lanes.all.some((lane) => lane.isUp(signal))) continue;
      for (const lane of lanes.all) {
        if (!lane.holds(signal) || lane.isUp(signal) || (divided && lane.targets.length === 0)) continue;
        bytes += this.#empty(lane, signal, fallback, BYTES_A_TURN - bytes);
        if (bytes >= BYTES_A_TURN) return this.#own.wake();
      }
    }
  }

  /**
   * Moves a single parcel that its own pool's targets do not take, though they are up; what was not
   * read is read first. False: it stays where it is.
   */
  failOver(parcel: Parcel, fallback: string | undefined): boolean {
    if (fallback === undefined) return false;
    if (isUnread(parcel.record)) {
      this.#records.sendBack(parcel);
      return true;
    }
    const to = this.#give(parcel, fallback);
    if (to !== undefined) this.#own.countFailover(to, "backlog", parcel.record.points);
    return to !== undefined;
  }

  /** Some fallback pool may take this signal some time. */
  mayBeTaken(signal: Signal, fallback: string | undefined): boolean {
    let pool = fallback === undefined ? undefined : this.#pools.poolNamed(fallback);
    while (pool !== undefined) {
      if (pool.mayTake(signal)) return true;
      pool = pool.fallback === undefined ? undefined : this.#pools.poolNamed(pool.fallback);
    }
    return false;
  }

  /** Does not wait any more for a pool that can take something. */
  stop(): void {
    this.#waitingFor?.();
    this.#waitingFor = undefined;
  }

  #empty(lane: QueueLane, signal: Signal, fallback: string, upTo: number): number {
    let bytes = 0;
    while (bytes < upTo) {
      const parcel = lane.peekOldest(signal);
      if (parcel === undefined) return bytes;
      const copies = this.#records.copiesOf(parcel.record);
      if (copies !== undefined && this.#moved.has(copies)) {
        lane.letGoOldest(signal);
        this.#records.withdraw(parcel);
        continue;
      }
      if (isUnread(parcel.record)) {
        lane.letGoOldest(signal);
        bytes += parcel.record.bytes;
        this.#records.sendBack(parcel);
        continue;
      }
      const to = this.#give(parcel, fallback);
      if (to === undefined) return bytes;
      lane.letGoOldest(signal);
      bytes += parcel.record.bytes;
      if (copies !== undefined) this.#moved.add(copies);
      this.#own.countFailover(to, "backlog", parcel.record.points);
    }
    return bytes;
  }

  /** The pool that took it; undefined when none can, and then waits for one to change. */
  #give(parcel: Parcel, fallback: string): string | undefined {
    const cannot: FallbackPool[] = [];
    let pool = this.#pools.poolNamed(fallback);
    while (pool !== undefined) {
      const { signal } = parcel.record;
      const isOpen = pool.usable(signal) && pool.hasAnyRoom(signal);
      if (isOpen && pool.adopt(parcel, this.#own.name) === "accepted") return pool.name;
      cannot.push(pool);
      pool = pool.fallback === undefined ? undefined : this.#pools.poolNamed(pool.fallback);
    }
    if (this.#waitingFor === undefined) {
      const cancels = cannot.map((one) => one.onceChanged(() => this.#own.wake()));
      this.#waitingFor = () => cancels.forEach((cancel) => cancel());
    }
    return undefined;
  }
}
