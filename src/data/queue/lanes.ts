import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { PoolPlan } from "../../plan/plan.ts";
import type { Panic } from "../balance/panic-report.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { LaneLoad } from "./key-load.ts";
import type { Delivery } from "./delivery.ts";
import { divisionIdentity, type LaneSpec, laneSpecs } from "./lane-specs.ts";
import { anyTakes } from "./hopeless.ts";
import { LaneOwners } from "./lane-owners.ts";
import { QueueLane } from "./queue-lane.ts";
import type { LaneEnv } from "./lane-port.ts";

/**
 * Finds the channels of a delivery, and gives a delivery for each: the same one when it needs no
 * dividing.
 */
type SortDelivery = (delivery: Delivery) => readonly { readonly channel: number; readonly delivery: Delivery }[];

/**
 * Parcels to be sorted anew are parsed again: so many bytes of them in one turn of the event loop,
 * which takes some 20 ms.
 */
const SORTED_BYTES_A_TURN = 4 * 1_024 * 1_024;

/**
 * The lanes of a pool: one for each channel, or, for broadcast, one for each target, so that none
 * holds up another. What a changed plan or target leaves in the wrong lane is sorted anew, a
 * bounded part in each turn.
 */
export class Lanes {
  readonly #env: LaneEnv;
  readonly #sort: SortDelivery;
  readonly #owners: LaneOwners;
  #plan: PoolPlan;
  #byKey = new Map<string, QueueLane>();
  /** By channel; for broadcast by target. */
  #channels: readonly QueueLane[] = [];
  /** Lanes of an earlier plan, which empty themselves. */
  readonly #leaving = new Set<QueueLane>();
  /** Has no targets: what waits to be sorted. */
  readonly #unsorted: QueueLane;
  #identity = "";
  #all: readonly QueueLane[] = [];

  constructor(plan: PoolPlan, env: LaneEnv, sort: SortDelivery) {
    this.#plan = plan;
    this.#env = env;
    this.#sort = sort;
    this.#owners = new LaneOwners(env.room);
    this.#unsorted = new QueueLane(UNSORTED, plan, env);
  }

  get all(): readonly QueueLane[] {
    return this.#all;
  }

  /** By channel; for broadcast, all of them get copies. */
  get channels(): readonly QueueLane[] {
    return this.#channels;
  }

  get isEmpty(): boolean {
    return this.#all.every((lane) => lane.isEmpty);
  }

  get oldestMs(): number {
    let oldest = Infinity;
    for (const lane of this.#all) oldest = Math.min(oldest, lane.oldestMs);
    return oldest;
  }

  usable(signal: Signal): boolean {
    if (this.#all.some((lane) => lane.anyUsable(signal))) return true;
    return this.#all.some((lane) => lane.wantsProbe(signal));
  }

  /** One channel, in pools whose channels have different targets. */
  usableFor(channel: number, signal: Signal): boolean {
    const lane = this.#channels[channel];
    return lane !== undefined && (lane.anyUsable(signal) || lane.wantsProbe(signal));
  }

  /** Of the first lane that panics; undefined while none does. */
  panic(): Panic | undefined {
    for (const lane of this.#channels) {
      const panic = lane.panic();
      if (panic !== undefined) return panic;
    }
    return undefined;
  }

  /** A target may take this signal some time, that is none of these. */
  anyTakes(signal: Signal, but: readonly string[]): boolean {
    return this.#channels.some((lane) => anyTakes(lane.targets, signal, but));
  }

  sum(of: (lane: QueueLane) => number): number {
    let sum = 0;
    for (const lane of this.#all) sum += of(lane);
    return sum;
  }

  targets(): Set<TargetHandle> {
    return new Set(this.#all.flatMap((lane) => lane.targets));
  }

  /**
   * Where a copy of something new goes, for broadcast: to every target that is usable, or, when
   * none is, to all that take it.
   */
  forCopies(signal: Signal): readonly QueueLane[] {
    const usable = this.#channels.filter((lane) => lane.anyUsable(signal) || lane.wantsProbe(signal));
    if (usable.length > 0) return usable;
    const willing = this.#channels.filter((lane) => anyTakes(lane.targets, signal, []));
    return willing.length > 0 ? willing : this.#channels;
  }

  /** Where something new for this channel goes: one lane, or one for each copy. */
  forNew(channel: number, signal: Signal): readonly QueueLane[] {
    if (this.#isCopying()) return this.forCopies(signal);
    const lane = this.#channels[channel];
    return lane === undefined ? [] : [lane];
  }

  /**
   * Of a key, the channel: `refresh` first. Not one of those that have all their targets in `but`,
   * if others are usable.
   */
  ownerOf(hash: number, signal: Signal, but?: readonly string[]): number {
    return this.#owners.ownerOf(hash, signal, but);
  }

  /** Takes note of what became of the targets, for `ownerOf`. */
  refresh(): void {
    this.#owners.refresh();
  }

  /** Of the lanes that own keys: as LaneOwners has it. */
  keyLoad(): LaneLoad[] | undefined {
    return this.#owners.load();
  }

  learnKeyLoad(others: readonly LaneLoad[]): void {
    this.#owners.learn(others);
  }

  /** Something may have changed with a target. */
  touched(target: TargetHandle): void {
    this.#owners.touched(target);
  }

  configure(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    this.#plan = plan;
    const identity = divisionIdentity(plan);
    const specs = laneSpecs(plan, targets);
    const before = identity === this.#identity ? this.#byKey : new Map<string, QueueLane>();
    if (identity !== this.#identity) for (const lane of this.#byKey.values()) this.#leaving.add(lane);
    const keys = new Set(specs.map(({ key }) => key));
    for (const [key, lane] of before) if (!keys.has(key)) this.#leaving.add(lane);
    const isOtherSet = specs.length !== before.size || specs.some(({ key }) => !before.has(key));
    this.#byKey = new Map(specs.map((spec) => [spec.key, this.#open(spec, before.get(spec.key))]));
    this.#channels = [...this.#byKey.values()];
    this.#identity = identity;
    this.#unsorted.configure(plan, UNSORTED.strategy, []);
    this.#owners.configure(plan.division.kind === "key" ? this.#channels : []);
    if (plan.division.kind === "key" && isOtherSet)
      for (const lane of before.values()) this.putUnsorted(lane.takeAll());
    this.#configureLeaving(targets);
    this.#list();
    this.tidy();
  }

  /**
   * Lets go of earlier lanes that have nothing left, and takes over from those that have nowhere to
   * send to.
   */
  tidy(): void {
    if (this.#leaving.size === 0) return;
    for (const lane of this.#leaving) {
      if (lane.kind !== "copy" && !this.#isCopying()) this.putUnsorted(lane.takeAll());
      else if (lane.targets.length === 0) this.#withdraw(lane);
      if (lane.isEmpty) this.#leaving.delete(lane);
    }
    this.#list();
  }

  /** These belong into lanes that are to be found anew. */
  putUnsorted(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#unsorted.push(delivery);
  }

  /** Sorts what is waiting for it. False when there is more to do in another turn. */
  sortSome(): boolean {
    this.#findStranded();
    let bytes = 0;
    while (bytes < SORTED_BYTES_A_TURN) {
      const next = this.#channels.length === 0 ? undefined : this.#unsorted.peekOldest();
      if (next === undefined) return true;
      this.#unsorted.takeOldest();
      bytes += next.record.bytes;
      for (const { channel, delivery } of this.#sort(next)) {
        (this.#channels[channel] ?? this.#channels[0]!).push(delivery);
      }
    }
    return this.#unsorted.isIdle;
  }

  /**
   * What waits for a target that cannot be used goes to the next owners of its keys, when there are
   * any.
   */
  #findStranded(): void {
    if (this.#plan.division.kind !== "key") return;
    this.#owners.refresh();
    for (const signal of SIGNALS) {
      if (!this.#owners.anyUp(signal)) continue;
      for (const [i, lane] of this.#channels.entries()) {
        if (lane.holds(signal) && !this.#owners.usableFor(i, signal)) this.putUnsorted(lane.takeAll(signal));
      }
    }
  }

  #isCopying(): boolean {
    return this.#plan.strategy.type === "broadcast";
  }

  #open(spec: LaneSpec, known: QueueLane | undefined): QueueLane {
    known?.configure(this.#plan, spec.strategy, spec.targets);
    return known ?? new QueueLane(spec, this.#plan, this.#env);
  }

  /**
   * What was accepted before goes to one target, as was said then: its own when it had one, else
   * any, in turn.
   */
  #configureLeaving(targets: readonly TargetHandle[]): void {
    for (const lane of this.#leaving) {
      const own = new Set(lane.targets.map((target) => target.plan.id));
      const reach = lane.kind === "shared" ? targets : targets.filter((target) => own.has(target.plan.id));
      lane.configure(this.#plan, { type: "round_robin" }, reach);
    }
  }

  /**
   * Its target is gone: copies that others have too are withdrawn, the rest goes to another lane,
   * once there is one.
   */
  #withdraw(lane: QueueLane): void {
    if (this.#isCopying() && this.#channels.length === 0) return;
    for (const delivery of lane.takeAll()) {
      if (this.#env.records.isSpare(delivery.record)) {
        this.#env.room.free(delivery.charge, delivery.record.items);
        this.#env.records.leaveOut(delivery);
        continue;
      }
      if (this.#isCopying()) this.forCopies(delivery.record.signal)[0]!.push(delivery);
      else this.#unsorted.push(delivery);
    }
  }

  #list(): void {
    this.#all = [...this.#channels, ...this.#leaving, this.#unsorted];
  }
}

const UNSORTED: LaneSpec = { key: "", kind: "shared", strategy: { type: "round_robin" }, targets: [] };
