import type { Signal } from "../../otlp/signal.ts";
import type { PoolPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { CountingEnv } from "../../telemetry/env.ts";
import type { LaneFailoverState } from "../balance/failover-state.ts";
import type { PanicTeller } from "../balance/panic-report.ts";
import type { Strategies } from "../balance/strategies.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { Returning } from "./returning.ts";
import type { LaneLoad } from "./key-load.ts";
import type { LimitUse, PartOfLimit } from "../node-limits/node-limit.ts";
import type { ParcelSplitter } from "./split-parcel.ts";
import type { Delivery } from "./delivery.ts";
import type { LaneCopy } from "./lane-port.ts";
import type { Parcel, Pieces } from "./parcel.ts";
import type { FallbackPool, NamedPools } from "./pool-failover.ts";
import type { Records } from "./records.ts";
import type { TakeLeft } from "./removed.ts";

/**
 * Runs `run` once, after what is happening now and before the loop sleeps: everything that arrives
 * in one turn of the event loop leaves together. Production: core/turn-end.ts. Measured with 16
 * requests of one span a turn to one gRPC target: 6 to 11 µs of CPU a parcel, 18 µs when each
 * parcel is sent as it comes.
 */
type Schedule = (run: () => void) => void;

export interface PoolEnv extends CountingEnv {
  /** Label of the batch sizes. */
  readonly region: string;
  readonly schedule: Schedule;
  readonly records: Records;
  readonly splitter: ParcelSplitter;
  readonly repartitioner: Repartitioner;
  /** Those of the running plan: the fallbacks of this one are among them. */
  readonly pools: NamedPools;
  /** Strategies of plugins; none without. */
  readonly strategies?: Strategies;
  /** In a worker: who hears of panics, by pool, in the place of the log and metrics. */
  readonly panicTellerOf?: (pool: string) => PanicTeller;
  /** Without one, all of its limits are this process's. */
  readonly partOf?: PartOfLimit;
}

/**
 * A set of targets with one strategy and one bounded queue. It settles every parcel that it
 * accepted exactly once.
 */
export interface Pool extends AsyncDisposable, FallbackPool {
  readonly ack: PoolPlan["ack"];
  readonly whenDown: PoolPlan["whenDown"];
  /** The bound of its queue, all of the node: what is longer can never enter. */
  readonly maxBytes: number;
  /** The bound of items, all of the node; undefined: none. */
  readonly maxItems: number | undefined;
  /** It holds as many items as it may on this node. */
  readonly isFullOfItems: boolean;
  /** Takes note of what became of its targets: before `usableFor` and `ownerOf` are asked. */
  refresh(): void;
  /** The same as `usable` for the targets of one channel. */
  usableFor(channel: number, signal: Signal): boolean;
  /**
   * Clock.nowMs() before which nothing new of this channel can leave, since its targets asked to be
   * left alone; 0: not known. Channel -1: all.
   */
  pausedUntilMs(channel: number, signal: Signal, headers: SenderHeaders): number;
  /**
   * One of its targets asked some senders, and not all, to leave it alone: who they are only
   * `pausedUntilMs` tells.
   */
  readonly pausesSome: boolean;
  /**
   * Where what came through these nodes of the fleet, one at least, would go back to if it were
   * sent from here.
   */
  returning(path: readonly string[]): Returning | undefined;
  /** The channel of a key, in pools that divide by key. */
  ownerOf(hash: number, signal: Signal): number;
  /**
   * As they are now, to try picks on: the lanes that something new for this channel would enter,
   * for broadcast one for each copy.
   */
  lanesFor(channel: number, signal: Signal): readonly LaneCopy[];
  /** The same of all lanes. */
  lanesOf(signal: Signal): readonly LaneCopy[];
  /**
   * Whether `offer` would accept a parcel of this size now, beside `reserved` bytes; without a
   * channel: whether the pool would, and without headers: whether it would for a tenant that holds
   * nothing yet.
   */
  hasRoom(bytes: number, signal: Signal, channel?: number, reserved?: number, headers?: SenderHeaders): boolean;
  /**
   * For one of its channels; pools that are not divided have channel 0. `from` and `full`: as for
   * `adopt`.
   */
  offer(parcel: Parcel, channel?: number, from?: string): "accepted" | "full";
  /** Its part of its limits may be another. */
  limitChanged(): void;
  /** Adds what it does with its limits, and those of its targets that something waits for. */
  tellUses(uses: LimitUse[], waitedFor: Set<TargetHandle>): void;
  /**
   * What it has in the lanes that own keys, for the other processes of its node; undefined while
   * they need not know.
   */
  keyLoad(): LaneLoad[] | undefined;
  /** What the others have. */
  learnKeyLoad(others: readonly LaneLoad[]): void;
  /** Where its failovers stand, by lane. */
  failovers(): LaneFailoverState[];
  /** Another process of this node is there. */
  followFailover(failover: LaneFailoverState): void;
  /** Counts what another pool took over. */
  countFailover(to: string, when: "arrival" | "backlog", points: number): void;
  /**
   * A changed plan: what is queued stays, what is under way goes on, the new strategy and targets
   * hold at once.
   */
  update(plan: PoolPlan, targets: readonly TargetHandle[]): void;
  /**
   * Everything accepted and not settled; the bytes are never above this process's part of
   * `plan.queue.maxBytes`, unless that was lowered, or it is a single one.
   */
  readonly heldBytes: number;
  readonly heldItems: number;
  /** Bytes and items that wait, and the batches that are under way. */
  readonly queuedBytes: number;
  readonly queuedItems: number;
  readonly inFlight: number;
  /** Age of the oldest parcel that is ready to leave; 0 when nothing is. */
  readonly oldestAgeMs: number;
  /** What waits since before this time: as that of its stores. */
  waitingSince(beforeMs: number): Iterable<Delivery>;
  /**
   * From now on it sends nothing: whatever waits, and whatever comes back from where it is under
   * way, is given to `take`. Undefined ends that: it is wanted again.
   */
  giveAway(take: TakeLeft | undefined): void;
  /**
   * Sends what it holds without waiting for batches to fill; resolves when all is settled or
   * Clock.nowMs() is past `deadlineMs`.
   */
  drain(deadlineMs: number): Promise<void>;
}

/** A part of a parcel that goes to one channel. */
export interface Partition {
  readonly channel: number;
  readonly pieces: Pieces;
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
}

/**
 * How parcels are divided after they were routed, when they come to a pool, or to lanes, that they
 * were not divided for.
 */
export interface Repartitioner {
  /**
   * By the pool's channels; together the partitions hold what the parcel holds. Changes nothing. At
   * least one.
   */
  partition(parcel: Parcel, plan: PoolPlan, ownerOf: (hash: number) => number): readonly Partition[];
}
