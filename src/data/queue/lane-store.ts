import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import { type Aside, type Delivery, expiryOf, expiresMs } from "./delivery.ts";
import { DueHeap } from "./due-heap.ts";
import type { Records } from "./records.ts";
import { SignalQueue } from "./signal-queue.ts";
import { type Tenant, turnOf } from "./tenants.ts";

/**
 * After a look at this many parcels for expired ones, the next look is a millisecond away at least.
 */
const LOOKED_AT_PER_MS = 1_000;

const NONE: readonly Delivery[] = [];

/** What returns together. */
interface AsideGroup extends Aside {
  deliveries: readonly Delivery[];
}

/** Of a tenant, and empty. */
function isLeft({ tenant, length }: SignalQueue): boolean {
  return tenant !== undefined && length === 0;
}

/** Neither is empty. */
function isOlder(a: SignalQueue, b: SignalQueue): boolean {
  return a.peek()!.record.enqueuedMs < b.peek()!.record.enqueuedMs;
}

/** Neither is empty. */
function comesBefore(a: SignalQueue, b: SignalQueue): boolean {
  const turn = a.tenant === b.tenant ? 0 : turnOf(a.tenant, b.tenant);
  return turn === 0 ? isOlder(a, b) : turn < 0;
}

/** What a lane holds and is not under way: ready in a queue by signal, or waiting for a retry. */
export class LaneStore {
  readonly #records: Records;
  /** First one for each signal, for what has no tenant, then those of tenants. */
  #queues: SignalQueue[] = SIGNALS.map((signal) => new SignalQueue(signal));
  /** By tenant, then by signal. */
  readonly #byTenant = new Map<Tenant, (SignalQueue | undefined)[]>();
  /** By signal. */
  readonly #waiting: readonly DueHeap<AsideGroup>[] = SIGNALS.map(() => new DueHeap());
  #waitingItems = 0;
  #waitingCharge = 0;
  /** Nothing that is ready expires before: a lower bound, exact after each look. */
  #expiryMs = Infinity;
  #nextLookMs = -Infinity;

  constructor(records: Records) {
    this.#records = records;
  }

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

  hasReadyOf(signal: Signal): boolean {
    return this.#firstOf(signal) !== undefined;
  }

  get isEmpty(): boolean {
    if (this.hasReady) return false;
    for (const waiting of this.#waiting) if (waiting.length > 0) return false;
    return true;
  }

  /** Anything of this signal, ready or not. */
  holds(signal: Signal): boolean {
    return this.#firstOf(signal) !== undefined || this.#waitingOf(signal).length > 0;
  }

  /** When the oldest that is ready was offered; Infinity when nothing is. */
  get oldestMs(): number {
    let oldest = Infinity;
    for (const queue of this.#queues) oldest = Math.min(oldest, queue.peek()?.record.enqueuedMs ?? Infinity);
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
    this.#queueOf(delivery).push(delivery);
  }

  /** To the front, in this order. All are of one signal and one tenant. */
  putBack(deliveries: readonly Delivery[], maxAgeMs: number): void {
    for (const delivery of deliveries) this.#expiryMs = Math.min(this.#expiryMs, expiresMs(delivery, maxAgeMs));
    this.#queueOf(deliveries[0]!).putBack(deliveries);
  }

  /** The same, at `dueMs`. */
  putBackAt(dueMs: number, deliveries: readonly Delivery[]): Aside {
    this.#countWaiting(deliveries, 1);
    const group: AsideGroup = { signal: deliveries[0]!.record.signal, deliveries };
    this.#waitingOf(group.signal).push(dueMs, group);
    return group;
  }

  /**
   * What is left of what `putBackAt` took, and its time has not come: it is not in here any more.
   */
  takeBack(aside: Aside): readonly Delivery[] {
    if (!this.#waitingOf(aside.signal).remove(aside)) return NONE;
    this.#countWaiting(aside.deliveries, -1);
    return aside.deliveries;
  }

  /** What has waited long enough is ready again, before everything else. */
  returnDue(nowMs: number, maxAgeMs: number): void {
    for (const waiting of this.#waiting) this.#returnFrom(waiting, nowMs, maxAgeMs);
  }

  /** The limits of age have changed: the next sweep looks at everything. */
  forgetExpiry(): void {
    this.#expiryMs = -Infinity;
  }

  /**
   * Takes out what nobody waits for, when it is time to look. A look costs as much as there is:
   * hence the pauses.
   */
  sweep(nowMs: number, maxAgeMs: number): readonly Delivery[] {
    if (nowMs < this.#expiryMs || nowMs < this.#nextLookMs) return NONE;
    const ended: Delivery[] = [];
    let looked = 0;
    let expiryMs = Infinity;
    for (const queue of this.#queues) {
      looked += queue.length;
      queue.keep((delivery) => {
        if (expiryOf(delivery, nowMs, maxAgeMs, this.#records) !== undefined) {
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

  /**
   * The queue whose turn it is, of those that are not in `but` and of no signal whose bit is in
   * `signals`: of one tenant, that whose first parcel is the oldest.
   */
  next(but: ReadonlySet<SignalQueue>, signals: number): SignalQueue | undefined {
    let next: SignalQueue | undefined;
    for (const queue of this.#queues) {
      if (queue.length === 0 || (SIGNAL_FACTS[queue.signal].bit & signals) !== 0 || but.has(queue)) continue;
      if (next === undefined || comesBefore(queue, next)) next = queue;
    }
    return next;
  }

  /**
   * What `next` gives one after the other, each added to `but`, while nothing is sent; for a
   * thousand tenants at once.
   */
  inTurn(but: ReadonlySet<SignalQueue>, signals: number): SignalQueue[] {
    return this.#queues
      .filter((one) => one.length > 0 && (SIGNAL_FACTS[one.signal].bit & signals) === 0 && !but.has(one))
      .toSorted((a, b) => (comesBefore(a, b) ? -1 : comesBefore(b, a) ? 1 : 0));
  }

  /** Forgets the queues of tenants that have nothing ready. */
  tidy(): void {
    if (!this.#queues.some(isLeft)) return;
    for (const { tenant, signal } of this.#queues.filter(isLeft)) {
      const its = tenant && this.#byTenant.get(tenant);
      if (tenant === undefined || its === undefined) continue;
      its[SIGNAL_FACTS[signal].index] = undefined;
      if (its.every((one) => one === undefined)) this.#byTenant.delete(tenant);
    }
    this.#queues = this.#queues.filter((queue) => !isLeft(queue));
  }

  /**
   * The oldest of what is ready and what is ready next, of one signal or of all. It stays where it
   * is, and what waits goes on waiting.
   */
  peekOldest(signal?: Signal): Delivery | undefined {
    if (signal !== undefined) return this.#oldestOf(signal);
    let oldest: Delivery | undefined;
    for (const one of SIGNALS) {
      const its = this.#oldestOf(one);
      if (its !== undefined && !(oldest !== undefined && oldest.record.enqueuedMs <= its.record.enqueuedMs))
        oldest = its;
    }
    return oldest;
  }

  /** Takes out what `peekOldest` gives. */
  takeOldest(signal?: Signal): Delivery | undefined {
    const oldest = this.peekOldest(signal);
    if (oldest === undefined) return undefined;
    const waiting = this.#waitingOf(oldest.record.signal);
    const group = waiting.first;
    if (group?.deliveries[0] !== oldest) return this.#queueOf(oldest).shift();
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

  #returnFrom(waiting: DueHeap<AsideGroup>, nowMs: number, maxAgeMs: number): void {
    for (let group = waiting.popDue(nowMs); group !== undefined; group = waiting.popDue(nowMs)) {
      this.#countWaiting(group.deliveries, -1);
      this.putBack(group.deliveries, maxAgeMs);
    }
  }

  #oldestOf(signal: Signal): Delivery | undefined {
    const ready = this.#firstOf(signal)?.peek();
    const waiting = this.#waitingOf(signal).first?.deliveries[0];
    if (ready === undefined || waiting === undefined) return ready ?? waiting;
    return waiting.record.enqueuedMs < ready.record.enqueuedMs ? waiting : ready;
  }

  #waitingOf(signal: Signal): DueHeap<AsideGroup> {
    return this.#waiting[SIGNAL_FACTS[signal].index]!;
  }

  #queueOf({ record: { signal }, tenant }: Delivery): SignalQueue {
    const { index } = SIGNAL_FACTS[signal];
    if (tenant === undefined) return this.#queues[index]!;
    const known = this.#byTenant.get(tenant)?.[index];
    if (known !== undefined) return known;
    const queue = new SignalQueue(signal, tenant);
    this.#queues.push(queue);
    this.#enter(queue, tenant);
    return queue;
  }

  #enter(queue: SignalQueue, tenant: Tenant): void {
    const its = this.#byTenant.get(tenant) ?? [];
    its[SIGNAL_FACTS[queue.signal].index] = queue;
    this.#byTenant.set(tenant, its);
  }

  /** That whose first parcel is the oldest of this signal; undefined when none is ready. */
  #firstOf(signal: Signal): SignalQueue | undefined {
    let first: SignalQueue | undefined;
    for (const queue of this.#queues) {
      if (queue.signal !== signal || queue.length === 0) continue;
      if (first === undefined || isOlder(queue, first)) first = queue;
    }
    return first;
  }

  #countWaiting(deliveries: readonly Delivery[], sign: 1 | -1): void {
    for (const { record, charge } of deliveries) {
      this.#waitingItems += sign * record.items;
      this.#waitingCharge += sign * charge;
    }
  }
}
