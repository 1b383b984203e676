import type { Signal } from "../../otlp/signal.ts";
import type { PoolPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import { chargeOf, deliver, type Delivery, deliverParts } from "./delivery.ts";
import type { Lanes } from "./lanes.ts";
import type { Parcel } from "./parcel.ts";
import type { Partition, PoolEnv } from "./pool-port.ts";
import type { QueueLane } from "./queue-lane.ts";
import { leavePool } from "./record.ts";
import type { Room } from "./room.ts";
import type { Tenants } from "./tenants.ts";

interface PoolIntakeEnv extends Pick<PoolEnv, "records" | "repartitioner"> {
  readonly room: Room;
  readonly tenants: Tenants;
}

/** What enters a pool: whether there is room for it, and which lanes it is divided for. */
export class PoolIntake {
  readonly #lanes: Lanes;
  readonly #env: PoolIntakeEnv;
  plan: PoolPlan;
  closed = false;

  constructor(plan: PoolPlan, lanes: Lanes, env: PoolIntakeEnv) {
    this.plan = plan;
    this.#lanes = lanes;
    this.#env = env;
  }

  /** As that of the pool, like `offer` and `adopt`. */
  hasRoom(bytes: number, signal: Signal, channel?: number, reserved = 0, headers?: SenderHeaders): boolean {
    if (this.closed) return false;
    const { room } = this.#env;
    const { maxBytes } = room;
    const free = maxBytes - room.bytes - reserved;
    const charge = headers === undefined ? bytes : chargeOf({ bytes, headers });
    if (headers !== undefined && !this.#env.tenants.hasRoom(charge + reserved, free, maxBytes, headers)) return false;
    const kept = headers === undefined ? 0 : this.#env.tenants.keptFrom(headers, maxBytes);
    if (!room.fits(charge, reserved, kept)) {
      room.missed.add(charge);
      return false;
    }
    if (this.plan.strategy.type === "broadcast") {
      const lanes = this.#lanes.forCopies(signal);
      return lanes.some((lane) => this.#fitsCopy(lane, charge + reserved, lanes.length));
    }
    if (room.isFullOfItems) {
      room.missedItems.add(1);
      return false;
    }
    const lane = channel === undefined ? undefined : this.#lanes.channels[channel];
    return lane === undefined || this.#fits(lane, charge, reserved);
  }

  offer(parcel: Parcel, channel = 0, from?: string): "accepted" | "full" {
    const { bytes, signal, headers } = parcel.record;
    if (!this.hasRoom(bytes, signal, channel, 0, headers)) return "full";
    if (from !== undefined) leavePool(parcel.record, from);
    if (this.plan.strategy.type === "broadcast") this.#offerCopies(parcel, this.#lanes.forCopies(signal));
    else this.#enter(this.#lanes.channels[channel]!, parcel);
    return "accepted";
  }

  adopt(parcel: Parcel, from?: string): "accepted" | "full" {
    if (this.plan.division.kind === "none") return this.offer(parcel, 0, from);
    if (this.closed) return "full";
    this.#lanes.refresh();
    const partitions = this.#partition(parcel);
    const { signal, headers } = parcel.record;
    let bytes = 0;
    for (const partition of partitions) {
      if (!this.hasRoom(partition.bytes, signal, partition.channel, bytes, headers)) return "full";
      bytes += partition.bytes + headers.bytes;
    }
    if (from !== undefined) leavePool(parcel.record, from);
    const parts = this.#divide(parcel, partitions);
    for (const [i, part] of parts.entries()) this.#enter(this.#lanes.channels[partitions[i]!.channel]!, part);
    return "accepted";
  }

  /**
   * The bound is shared by the lanes. One lane takes no more than is left for all others, so that a
   * target that hangs, or a channel that is busy, leaves room for them.
   */
  #fits(lane: QueueLane, bytes: number, reserved: number): boolean {
    const lanes = this.#lanes.channels.length;
    if (lanes === 1 || lane.heldBytes === 0) return true;
    const { maxBytes, maxItems, items } = this.#env.room;
    const free = maxBytes - this.#env.room.bytes - reserved;
    if (lane.heldItems >= Math.max(maxItems - items, Math.floor(maxItems / lanes))) return false;
    return lane.heldBytes + bytes <= Math.max(free, Math.floor(maxBytes / lanes));
  }

  /** Every lane may get the same: one takes more than its part only while it is empty. */
  #fitsCopy(lane: QueueLane, bytes: number, lanes: number): boolean {
    const { room } = this.#env;
    if (!room.fits(bytes)) {
      room.missed.add(bytes);
      return false;
    }
    if (lane.heldItems > 0 && lane.heldItems >= Math.floor(room.maxItems / lanes)) {
      room.missedItems.add(1);
      return false;
    }
    const share = Math.floor(room.maxBytes / lanes);
    return lane.heldBytes === 0 || lane.heldBytes + bytes <= share;
  }

  /** Copies are a division, too: each lane has all of it. */
  #offerCopies(parcel: Parcel, lanes: readonly QueueLane[]): void {
    if (lanes.length === 1) return this.#enter(lanes[0]!, parcel);
    const copies = this.#env.records.copy(parcel, lanes.length);
    for (const [i, copy] of copies.entries()) {
      const lane = lanes[i]!;
      if (this.#fitsCopy(lane, chargeOf(copy.record), lanes.length)) this.#enter(lane, copy);
      else this.#refuse(lane, copy);
    }
  }

  #enter(lane: QueueLane, parcel: Parcel): void {
    if (!lane.offer(deliver(parcel))) this.#refuse(lane, parcel);
  }

  #refuse(lane: QueueLane, parcel: Parcel): void {
    const ids = lane.targets.map((target) => target.plan.id).join();
    const message = `pool ${this.plan.name}: the queue for ${ids} is full`;
    this.#env.records.finish(parcel, { kind: "failed", reason: "queue_full", message });
  }

  /** What stood in the wrong lane, or came back from its target: what each channel gets of it. */
  divideAnew(delivery: Delivery): { readonly channel: number; readonly delivery: Delivery }[] {
    const { unreachable, unwilling } = delivery.record;
    const but = unwilling.length === 0 ? unreachable : [...unreachable, ...unwilling];
    const partitions = this.#partition(delivery, but);
    if (partitions.length === 1) return [{ channel: partitions[0]!.channel, delivery }];
    const parts = deliverParts(delivery, this.#env.records.divide(delivery, partitions));
    const items = partitions.reduce((sum, partition) => sum + partition.items, 0);
    this.#env.room.free(0, delivery.record.items - items);
    return parts.map((part, i) => ({ channel: partitions[i]!.channel, delivery: part }));
  }

  #partition(parcel: Parcel, but?: readonly string[]): readonly Partition[] {
    return this.#env.repartitioner.partition(parcel, this.plan, (hash) =>
      this.#lanes.ownerOf(hash, parcel.record.signal, but),
    );
  }

  #divide(parcel: Parcel, partitions: readonly Partition[]): readonly Parcel[] {
    return partitions.length === 1 ? [parcel] : this.#env.records.divide(parcel, partitions);
  }
}
