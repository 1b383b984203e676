import type { Signal } from "../../otlp/signal.ts";
import type { Delivery } from "./delivery.ts";
import type { StorePartition } from "./queue-store.ts";
import type { Tenant } from "./tenants.ts";

/** What is ready to leave of one signal and one tenant, oldest first: a batch has one signal. */
export class SignalQueue implements StorePartition {
  readonly signal: Signal;
  readonly tenant: Tenant | undefined;
  readonly #deque = new Deque<Delivery>();
  #items = 0;
  #bytes = 0;
  #charge = 0;
  #awaited = 0;

  constructor(signal: Signal, tenant?: Tenant) {
    this.signal = signal;
    this.tenant = tenant;
  }

  get length(): number {
    return this.#deque.length;
  }

  get items(): number {
    return this.#items;
  }

  /** What would be sent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What it takes of the queue's bound. */
  get charge(): number {
    return this.#charge;
  }

  /** Parcels whose senders have not been told of success. */
  get awaited(): number {
    return this.#awaited;
  }

  peek(): Delivery | undefined {
    return this.#deque.peek();
  }

  /** The one with so many before it; it stays. */
  at(index: number): Delivery | undefined {
    return this.#deque.at(index);
  }

  push(delivery: Delivery): void {
    this.#count(delivery, 1);
    this.#deque.push(delivery);
  }

  /** To the front, keeping their order. */
  putBack(deliveries: readonly Delivery[]): void {
    for (let i = deliveries.length - 1; i >= 0; i--) {
      this.#count(deliveries[i]!, 1);
      this.#deque.unshift(deliveries[i]!);
    }
  }

  shift(): Delivery | undefined {
    const delivery = this.#deque.shift();
    if (delivery !== undefined) this.#count(delivery, -1);
    return delivery;
  }

  /** Drops what `test` is false for. */
  keep(test: (delivery: Delivery) => boolean): void {
    this.#deque.keep((delivery) => {
      const stays = test(delivery);
      if (!stays) this.#count(delivery, -1);
      return stays;
    });
  }

  #count({ record, charge }: Delivery, sign: 1 | -1): void {
    this.#charge += sign * charge;
    this.#items += sign * record.items;
    this.#bytes += sign * record.bytes;
    if (record.ack === "delivered") this.#awaited += sign;
  }
}

/**
 * A queue with two ends on a ring: nothing is ever moved, however long it is. Bounded by whoever
 * fills it.
 */
export class Deque<T> {
  #slots: (T | undefined)[] = Array.from({ length: 16 });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  peek(): T | undefined {
    return this.#slots[this.#head];
  }

  /** The one with so many before it. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#slots[(this.#head + index) & (this.#slots.length - 1)] : undefined;
  }

  push(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length++) & (this.#slots.length - 1)] = value;
  }

  unshift(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = value;
    this.#length++;
  }

  shift(): T | undefined {
    const value = this.#slots[this.#head];
    if (this.#length === 0) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    return value;
  }

  /**
   * Drops what `test` is false for; the others keep their order. `test` must not touch the queue.
   */
  keep(test: (value: T) => boolean): void {
    const mask = this.#slots.length - 1;
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const value = this.#slots[(this.#head + i) & mask]!;
      if (test(value)) this.#slots[(this.#head + kept++) & mask] = value;
    }
    for (let i = kept; i < this.#length; i++) this.#slots[(this.#head + i) & mask] = undefined;
    this.#length = kept;
  }

  #grow(): void {
    const wider = Array.from<T | undefined>({ length: this.#slots.length * 2 });
    for (let i = 0; i < this.#length; i++) wider[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = wider;
    this.#head = 0;
  }
}
