import { fillSlots, mix, openSlotOrder, type SlotOrder, SLOTS } from "./slot-order.ts";

/**
 * One target among which keys are divided. Its id alone says which keys are its own, not its place
 * in a list.
 */
export interface KeyTarget {
  readonly id: string;
  readonly weight: number;
}

/** What is asked of the targets at this moment, by their index. */
export interface OwnerView {
  usable(index: number): boolean;
  /** What is for it waits, because its window is full. */
  saturated(index: number): boolean;
  /** How much waits for it or is under way. */
  held(index: number): number;
  /** The sum of `held` of all. */
  readonly totalHeld: number;
}

/** Which target a key belongs to: the same on every node, whatever the order of its targets. */
export interface KeyOwners {
  /**
   * Index of the target for an evenly distributed unsigned 32-bit hash. A target that is not usable
   * passes on its own keys and no others; one that is saturated, and holds more than `BOUNDED_LOAD`
   * of its fair part, passes on what comes. While none is usable, keys stay where they belong. -1
   * without targets.
   */
  ownerOf(hash: number, view: OwnerView): number;
}

/** A saturated target may hold this many times its fair part before others take over. */
const BOUNDED_LOAD = 1.25;
/**
 * Up to here a slot belongs to whom it means most (rendezvous); above, targets take turns (Maglev).
 */
const RENDEZVOUS_TARGETS = 64;

/** So many other slots are tried for a substitute; then all targets are compared. */
const TRIES = 8;

export function openKeyOwners(targets: readonly KeyTarget[]): KeyOwners {
  return new Owners(targets);
}

class Owners implements KeyOwners {
  /** Sorted by id: nothing depends on the order in the config. `#places` leads back to it. */
  readonly #orders: readonly SlotOrder[];
  readonly #places: readonly number[];
  /** Weight 0 counts as 1 where all are 0. */
  readonly #weights: Float64Array;
  readonly #totalWeight: number;
  /** Owner of each slot; -1: not worked out yet. */
  readonly #slots: Int32Array;

  constructor(targets: readonly KeyTarget[]) {
    this.#places = targets.map((_, i) => i).toSorted((a, b) => (targets[a]!.id < targets[b]!.id ? -1 : 1));
    const sorted = this.#places.map((place) => targets[place]!);
    this.#orders = sorted.map(({ id }) => openSlotOrder(id));
    const allZero = sorted.every(({ weight }) => weight === 0);
    this.#weights = Float64Array.from(sorted, ({ weight }) => (allZero ? 1 : weight));
    this.#totalWeight = this.#weights.reduce((sum, weight) => sum + weight, 0);
    const many = sorted.length > RENDEZVOUS_TARGETS;
    this.#slots = many ? fillSlots(this.#orders, this.#weights) : new Int32Array(SLOTS).fill(-1);
  }

  ownerOf(hash: number, view: OwnerView): number {
    if (this.#orders.length === 0) return -1;
    const slot = hash % SLOTS;
    const first = this.#ownerOfSlot(slot);
    const owner = this.#takes(first, view, false) ? first : this.#substitute(hash, slot, view, false);
    if (owner < 0) return this.#places[first]!;
    if (!this.#crowded(owner, view)) return this.#places[owner]!;
    const other = this.#substitute(hash, slot, view, true);
    return this.#places[other < 0 ? owner : other]!;
  }

  /** Rendezvous takes 10 ns a target, once for each slot. */
  #ownerOfSlot(slot: number): number {
    let owner = this.#slots[slot]!;
    if (owner < 0) {
      owner = this.#best(slot);
      this.#slots[slot] = owner;
    }
    return owner;
  }

  /** Who has the key in place of its owner: usable, not crowded if that is asked for; or -1. */
  #substitute(hash: number, slot: number, view: OwnerView, roomy: boolean): number {
    if (this.#orders.length <= RENDEZVOUS_TARGETS) return this.#best(slot, view, roomy);
    let at = hash;
    for (let tries = 0; tries < TRIES; tries++) {
      at = mix(at + 0x9e3779b9);
      const owner = this.#slots[at % SLOTS]!;
      if (this.#takes(owner, view, roomy)) return owner;
    }
    return this.#best(slot, view, roomy);
  }

  /**
   * Weighted rendezvous: lowest -ln(1 - u) / weight, where u in (0, 1) is the rank: each wins by
   * its share of the weights.
   */
  #best(slot: number, view?: OwnerView, roomy = false): number {
    let best = -1;
    let lowest = Infinity;
    for (let i = 0; i < this.#orders.length; i++) {
      if (view !== undefined && !this.#takes(i, view, roomy)) continue;
      const rank = this.#orders[i]!.rankOf(slot);
      const cost = -Math.log(1 - (rank + 0.5) / SLOTS) / this.#weights[i]!;
      if (best >= 0 && cost >= lowest) continue;
      best = i;
      lowest = cost;
    }
    return best;
  }

  #takes(owner: number, view: OwnerView, roomy: boolean): boolean {
    return view.usable(this.#places[owner]!) && !(roomy && this.#crowded(owner, view));
  }

  #crowded(owner: number, view: OwnerView): boolean {
    const place = this.#places[owner]!;
    if (!view.saturated(place)) return false;
    return view.held(place) * this.#totalWeight > BOUNDED_LOAD * view.totalHeld * this.#weights[owner]!;
  }
}
