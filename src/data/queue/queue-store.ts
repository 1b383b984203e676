import type { Signal } from "../../otlp/signal.ts";
import type { Delivery } from "./delivery.ts";
import type { Tenant } from "./tenants.ts";

/**
 * What waits together in a store, oldest first: what is of one signal, and of one tenant where the
 * pool tells them apart. What is divided besides has a store for each lane. Chosen when something
 * is appended; what then belongs elsewhere is taken out and appended there.
 */
export interface StorePartition {
  readonly signal: Signal;
  readonly tenant: Tenant | undefined;
  /** Of what is ready, as all that is here. */
  readonly length: number;
  readonly items: number;
  /** What would be sent. */
  readonly bytes: number;
  /** What it takes of the queue's bound. */
  readonly charge: number;
  /** Parcels whose senders have not been told of success. */
  readonly awaited: number;
  /** The first; it stays. */
  peek(): Delivery | undefined;
  /** Takes the first out. */
  shift(): Delivery | undefined;
  /** To the front, keeping their order. */
  putBack(deliveries: readonly Delivery[]): void;
  /** Takes out what `test` is false for. */
  keep(test: (delivery: Delivery) => boolean): void;
}

/** How much is read at a time; the first is read, whatever its size. */
export interface ReadLimits {
  readonly records: number;
  readonly items: number;
  readonly bytes: number;
}

/** What else is to be asked of what is read. */
export interface ReadChoice {
  /** `stop`: it stays, and all behind it. `out`: it is taken out, and not read. */
  of(next: Delivery): "take" | "stop" | "out";
}

/** What was released together, for a time that has not come. */
export interface Aside {
  readonly signal: Signal;
  readonly deliveries: readonly Delivery[];
}

/**
 * Where a lane's records are from `append` to `ack`. What is taken out, in whatever way, is the
 * caller's until it is released, acked, or appended to another store that has the same room.
 */
export interface QueueStore {
  /**
   * Takes room for one record, which has it until it is acked. False: there is not so much; what is
   * in the room already keeps what it has when the bound is lowered.
   */
  reserve(charge: number, items: number): boolean;
  /** The parts of what was taken out have its room. There may be more items than there were. */
  exchange(whole: Delivery, parts: readonly Delivery[]): void;
  /**
   * To the end of its partition, in room that was reserved. `durable` is called when it would
   * outlive what this store can outlive: of memory, at once.
   */
  append(delivery: Delivery, durable?: () => void): void;
  /** Those in which something is ready, and perhaps others. */
  readonly partitions: readonly StorePartition[];
  /** Takes out what leaves together, from the front of a partition. */
  read(partition: StorePartition, limits: ReadLimits, choice?: ReadChoice): Delivery[];
  /**
   * Puts back what was taken out, of one partition: to its front, in this order; with `atMs` when
   * that time has come.
   */
  release(deliveries: readonly Delivery[], atMs?: number): Aside;
  /** What is left of that, when its time has not come: it is taken out. */
  recall(aside: Aside): readonly Delivery[];
  /** Makes ready what was released for a time until now, before all else, and gives it. */
  wake(nowMs: number): readonly Delivery[];
  /** When the next is to be made ready; Infinity when none is. */
  readonly nextMs: number;
  /** It has ended, or is in other hands: its room is free. */
  ack(delivery: Delivery): void;
  /** The oldest, of one signal or of all, ready or not; it stays. */
  oldest(signal?: Signal): Delivery | undefined;
  /** Takes out what `oldest` gives. */
  takeOldest(signal?: Signal): Delivery | undefined;
  /** Takes out everything, or all of one signal, ready or not. */
  takeAll(signal?: Signal): Delivery[];
  /**
   * What has been in it since before this time, mostly, ready or not. Things may come and go while
   * it is walked: then some are left out, or told twice, but none that is not in it.
   */
  waitingSince(beforeMs: number): Iterable<Delivery>;
  /** Nothing is ready, and nothing waits for its time. */
  readonly isEmpty: boolean;
  readonly hasReady: boolean;
  /** Anything of this signal, ready or not. */
  holds(signal: Signal): boolean;
  /** Of all that is in it. */
  readonly queuedCharge: number;
  readonly queuedItems: number;
  /** Forgets partitions of tenants that have nothing ready. */
  tidy(): void;
  /**
   * Takes nothing any more. `fail`: gives everything, to be ended. `keep`: gives only what cannot
   * outlive this process; of memory, that is everything.
   */
  close(how: "keep" | "fail"): readonly Delivery[];
}
