import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import { type Delivery, endOf, expiresMs } from "./delivery.ts";
import { DueHeap } from "./due-heap.ts";
import { SignalQueue } from "./signal-queue.ts";

/** After a look at this many parcels for expired ones, the next look is a millisecond away at least. */
const LOOKED_AT_PER_MS = 1_000;

const NONE: readonly Delivery[] = [];

/** What returns together. */
interface Group {
  deliveries: readonly Delivery[];
}

/** What a lane holds and is not under way: ready in a queue by signal, or waiting for a retry. */
export class LaneStore {
  readonly #queues: readonly SignalQueue[] = SIGNALS.map((signal) => new SignalQueue(signal));
  /** By signal. */
  readonly #waiting: readonly DueHeap<Group>[] = SIGNALS.map(() => new DueHeap());
  #waitingItems = 0;
  #waitingCharge = 0;
  /** Nothing that is ready expires before: a lower bound, exact after each look. */
  #expiryMs = Infinity;
  #nextLookMs = -Infinity;

  /** What it takes of the queue's bound. */
  get charge(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.charge, this.#waitingCharge);
  }

  get items(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.items, this.#waitingItems);
  }

  get hasReady(): boolean {
    for (const queue of this.#queues) if (queue.length > 0) return true;
    return false;
  }

  get isEmpty(): boolean {
    if (this.hasReady) return false;
    for (const waiting of this.#waiting) if (waiting.length > 0) return false;
    return true;
  }

  /** Anything of this signal, ready or not. */
  holds(signal: Signal): boolean {
    return this.#queueOf(signal).length > 0 || this.#waitingOf(signal).length > 0;
  }

  /** When the oldest that is ready was offered; Infinity when nothing is. */
  get oldestMs(): number {
    let oldest = Infinity;
    for (const queue of this.#queues) oldest = Math.min(oldest, queue.peek()?.parcel.enqueuedMs ?? Infinity);
    return oldest;
  }

  /** When time alone changes what is ready, or ends something that is. */
  get nextMs(): number {
    let nextMs = Math.max(this.#expiryMs, this.#nextLookMs);
    for (const waiting of this.#waiting) nextMs = Math.min(nextMs, waiting.nextMs);
    return nextMs;
  }

  push(delivery: Delivery, maxAgeMs: number): void {
    this.#expiryMs = Math.min(this.#expiryMs, expiresMs(delivery, maxAgeMs));
    this.#queueOf(delivery.parcel.signal).push(delivery);
  }

  /** To the front, in this order. All are of one signal. */
  putBack(deliveries: readonly Delivery[], maxAgeMs: number): void {
    for (const delivery of deliveries) this.#expiryMs = Math.min(this.#expiryMs, expiresMs(delivery, maxAgeMs));
    this.#queueOf(deliveries[0]!.parcel.signal).putBack(deliveries);
  }

  /** The same, at `dueMs`. */
  putBackAt(dueMs: number, deliveries: readonly Delivery[]): void {
    this.#countWaiting(deliveries, 1);
    this.#waitingOf(deliveries[0]!.parcel.signal).push(dueMs, { deliveries });
  }

  /** What has waited long enough is ready again, before everything else. */
  returnDue(nowMs: number, maxAgeMs: number): void {
    for (const waiting of this.#waiting) this.#returnFrom(waiting, nowMs, maxAgeMs);
  }

  /** The limits of age have changed: the next sweep looks at everything. */
  forgetExpiry(): void {
    this.#expiryMs = -Infinity;
  }

  /** Takes out what nobody waits for, when it is time to look. A look costs as much as there is: hence the pauses. */
  sweep(nowMs: number, maxAgeMs: number): readonly Delivery[] {
    if (nowMs < this.#expiryMs || nowMs < this.#nextLookMs) return NONE;
    const ended: Delivery[] = [];
    let looked = 0;
    let expiryMs = Infinity;
    for (const queue of this.#queues) {
      looked += queue.length;
      queue.keep((delivery) => {
        if (endOf(delivery, nowMs, maxAgeMs) !== undefined) {
          ended.push(delivery);
          return false;
        }
        expiryMs = Math.min(expiryMs, expiresMs(delivery, maxAgeMs));
        return true;
      });
    }
    this.#expiryMs = expiryMs;
    this.#nextLookMs = nowMs + Math.floor(looked / LOOKED_AT_PER_MS);
    return ended;
  }

  /** The queue whose first parcel is the oldest, of those that are not in `but`. */
  oldest(but: ReadonlySet<SignalQueue>): SignalQueue | undefined {
    let oldest: SignalQueue | undefined;
    for (const queue of this.#queues) {
      const head = queue.peek();
      if (head === undefined || but.has(queue)) continue;
      if (oldest === undefined || head.parcel.enqueuedMs < oldest.peek()!.parcel.enqueuedMs) oldest = queue;
    }
    return oldest;
  }

  /** The oldest of what is ready and what is ready next, of one signal or of all. It stays where it is, and what waits goes on waiting. */
  peekOldest(signal?: Signal): Delivery | undefined {
    if (signal !== undefined) return this.#oldestOf(signal);
    let oldest: Delivery | undefined;
    for (const one of SIGNALS) {
      const its = this.#oldestOf(one);
      if (its !== undefined && !(oldest !== undefined && oldest.parcel.enqueuedMs <= its.parcel.enqueuedMs))
        oldest = its;
    }
    return oldest;
  }

  /** Takes out what `peekOldest` gives. */
  takeOldest(signal?: Signal): Delivery | undefined {
    const oldest = this.peekOldest(signal);
    if (oldest === undefined) return undefined;
    const waiting = this.#waitingOf(oldest.parcel.signal);
    const group = waiting.first;
    if (group?.deliveries[0] !== oldest) return this.#queueOf(oldest.parcel.signal).shift();
    this.#countWaiting([oldest], -1);
    group.deliveries = group.deliveries.slice(1);
    if (group.deliveries.length === 0) waiting.popDue(Infinity);
    return oldest;
  }

  /** Takes out everything, or all of one signal. */
  clear(signal?: Signal): Delivery[] {
    const all: Delivery[] = [];
    for (const queue of this.#queues) {
      if (signal !== undefined && queue.signal !== signal) continue;
      this.#returnFrom(this.#waitingOf(queue.signal), Infinity, Infinity);
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) all.push(next);
    }
    return all;
  }

  #returnFrom(waiting: DueHeap<Group>, nowMs: number, maxAgeMs: number): void {
    for (let group = waiting.popDue(nowMs); group !== undefined; group = waiting.popDue(nowMs)) {
      this.#countWaiting(group.deliveries, -1);
      this.putBack(group.deliveries, maxAgeMs);
    }
  }

  #oldestOf(signal: Signal): Delivery | undefined {
    const ready = this.#queueOf(signal).peek();
    const waiting = this.#waitingOf(signal).first?.deliveries[0];
    if (ready === undefined || waiting === undefined) return ready ?? waiting;
    return waiting.parcel.enqueuedMs < ready.parcel.enqueuedMs ? waiting : ready;
  }

  #waitingOf(signal: Signal): DueHeap<Group> {
    return this.#waiting[SIGNAL_FACTS[signal].index]!;
  }

  #queueOf(signal: Signal): SignalQueue {
    return this.#queues[SIGNAL_FACTS[signal].index]!;
  }

  #countWaiting(deliveries: readonly Delivery[], sign: 1 | -1): void {
    for (const { parcel, charge } of deliveries) {
      this.#waitingItems += sign * parcel.items;
      this.#waitingCharge += sign * charge;
    }
  }
}
