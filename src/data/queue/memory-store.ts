import { Heap, type HeapItem } from "../../core/heap.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { Delivery } from "./delivery.ts";
import type { Aside, QueueStore, ReadChoice, ReadLimits, StorePartition } from "./queue-store.ts";
import type { Room } from "./room.ts";
import { SignalQueue } from "./signal-queue.ts";
import type { Tenant } from "./tenants.ts";

const NONE: readonly Delivery[] = [];
const EVERYTHING: ReadChoice = { of: () => "take" };

/** What returns together. */
class AsideGroup implements Aside, HeapItem {
  heapIndex = -1;
  readonly signal: Signal;
  deliveries: readonly Delivery[];

  constructor(deliveries: readonly Delivery[]) {
    this.signal = deliveries[0]!.record.signal;
    this.deliveries = deliveries;
  }
}

/** A store whose records end with the process. */
export class MemoryStore implements QueueStore {
  readonly #room: Room;
  /** First one for each signal, for what has no tenant, then those of tenants. */
  #queues: SignalQueue[] = SIGNALS.map((signal) => new SignalQueue(signal));
  /** By tenant, then by signal. */
  readonly #byTenant = new Map<Tenant, (SignalQueue | undefined)[]>();
  /** By signal. */
  readonly #waiting: readonly Heap<AsideGroup>[] = SIGNALS.map(() => new Heap());
  #waitingItems = 0;
  #waitingCharge = 0;
  #closed = false;

  constructor(room: Room) {
    this.#room = room;
  }

  get partitions(): readonly SignalQueue[] {
    return this.#queues;
  }

  get queuedCharge(): number {
    let charge = this.#waitingCharge;
    for (const queue of this.#queues) charge += queue.charge;
    return charge;
  }

  get queuedItems(): number {
    let items = this.#waitingItems;
    for (const queue of this.#queues) items += queue.items;
    return items;
  }

  get hasReady(): boolean {
    for (const queue of this.#queues) if (queue.length > 0) return true;
    return false;
  }

  get isEmpty(): boolean {
    if (this.hasReady) return false;
    for (const waiting of this.#waiting) if (waiting.size > 0) return false;
    return true;
  }

  get nextMs(): number {
    let nextMs = Infinity;
    for (const waiting of this.#waiting) nextMs = Math.min(nextMs, waiting.firstKey);
    return nextMs;
  }

  holds(signal: Signal): boolean {
    return this.#firstOf(signal) !== undefined || this.#waitingOf(signal).size > 0;
  }

  reserve(charge: number, items: number): boolean {
    return !this.#closed && this.#room.reserve(charge, items);
  }

  exchange(whole: Delivery, parts: readonly Delivery[]): void {
    this.ack(whole);
    for (const { charge, record } of parts) this.#room.free(-charge, -record.items);
  }

  ack({ charge, record }: Delivery): void {
    this.#room.free(charge, record.items);
  }

  append(delivery: Delivery, durable?: () => void): void {
    delivery.record.notBeforeMs = 0;
    this.#queueOf(delivery).push(delivery);
    durable?.();
  }

  read(queue: StorePartition, limits: ReadLimits, choice: ReadChoice = EVERYTHING): Delivery[] {
    const taken: Delivery[] = [];
    let items = 0;
    let bytes = 0;
    for (let next = queue.peek(); next !== undefined && taken.length < limits.records; next = queue.peek()) {
      const { record } = next;
      const fits = items + record.items <= limits.items && bytes + record.bytes <= limits.bytes;
      if (taken.length > 0 && !fits) break;
      const chosen = choice.of(next);
      if (chosen === "stop") break;
      queue.shift();
      if (chosen === "out") continue;
      taken.push(next);
      items += record.items;
      bytes += record.bytes;
    }
    return taken;
  }

  release(deliveries: readonly Delivery[], atMs?: number): Aside {
    for (const { record } of deliveries) record.notBeforeMs = atMs ?? 0;
    const group = new AsideGroup(deliveries);
    if (atMs === undefined) {
      this.#queueOf(deliveries[0]!).putBack(deliveries);
    } else {
      this.#countWaiting(deliveries, 1);
      this.#waitingOf(group.signal).set(group, atMs);
    }
    return group;
  }

  recall(aside: Aside): readonly Delivery[] {
    if (!(aside instanceof AsideGroup) || !this.#waitingOf(aside.signal).remove(aside)) return NONE;
    this.#countWaiting(aside.deliveries, -1);
    return aside.deliveries;
  }

  wake(nowMs: number): readonly Delivery[] {
    let ready: Delivery[] | undefined;
    for (const waiting of this.#waiting) {
      for (let group = takeDue(waiting, nowMs); group !== undefined; group = takeDue(waiting, nowMs)) {
        this.#countWaiting(group.deliveries, -1);
        this.release(group.deliveries);
        (ready ??= []).push(...group.deliveries);
      }
    }
    return ready ?? NONE;
  }

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

  oldest(signal?: Signal): Delivery | undefined {
    if (signal !== undefined) return this.#oldestOf(signal);
    let oldest: Delivery | undefined;
    for (const one of SIGNALS) {
      const its = this.#oldestOf(one);
      if (its !== undefined && !(oldest !== undefined && oldest.record.enqueuedMs <= its.record.enqueuedMs))
        oldest = its;
    }
    return oldest;
  }

  takeOldest(signal?: Signal): Delivery | undefined {
    const oldest = this.oldest(signal);
    if (oldest === undefined) return undefined;
    const waiting = this.#waitingOf(oldest.record.signal);
    const group = waiting.first;
    if (group?.deliveries[0] !== oldest) return this.#queueOf(oldest).shift();
    this.#countWaiting([oldest], -1);
    group.deliveries = group.deliveries.slice(1);
    if (group.deliveries.length === 0) waiting.remove(group);
    return oldest;
  }

  takeAll(signal?: Signal): Delivery[] {
    const all: Delivery[] = [];
    for (const one of signal === undefined ? SIGNALS : [signal]) this.#wakeAll(this.#waitingOf(one));
    for (const queue of this.#queues) {
      if (signal !== undefined && queue.signal !== signal) continue;
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) all.push(next);
    }
    return all;
  }

  *waitingSince(beforeMs: number): Generator<Delivery> {
    for (const queue of this.#queues) {
      for (let i = 0, next = queue.at(0); next !== undefined; next = queue.at(++i)) {
        if (next.record.enqueuedMs > beforeMs) break; // those behind it are not older, mostly
        yield next;
      }
    }
    for (const waiting of this.#waiting) {
      for (const group of waiting) {
        // What is ready meanwhile may be under way, or have ended: nobody may move its bytes.
        for (let i = 0; group.heapIndex >= 0 && i < group.deliveries.length; i++) {
          const next = group.deliveries[i]!;
          if (next.record.enqueuedMs <= beforeMs) yield next;
        }
      }
    }
  }

  close(_how: "keep" | "fail"): readonly Delivery[] {
    this.#closed = true;
    return this.takeAll();
  }

  #wakeAll(waiting: Heap<AsideGroup>): void {
    for (let group = takeDue(waiting, Infinity); group !== undefined; group = takeDue(waiting, Infinity)) {
      this.#countWaiting(group.deliveries, -1);
      this.release(group.deliveries);
    }
  }

  #oldestOf(signal: Signal): Delivery | undefined {
    const ready = this.#firstOf(signal)?.peek();
    const waiting = this.#waitingOf(signal).first?.deliveries[0];
    if (ready === undefined || waiting === undefined) return ready ?? waiting;
    return waiting.record.enqueuedMs < ready.record.enqueuedMs ? waiting : ready;
  }

  #waitingOf(signal: Signal): Heap<AsideGroup> {
    return this.#waiting[SIGNAL_FACTS[signal].index]!;
  }

  #queueOf({ record: { signal }, tenant }: Delivery): SignalQueue {
    const { index } = SIGNAL_FACTS[signal];
    if (tenant === undefined) return this.#queues[index]!;
    const known = this.#byTenant.get(tenant)?.[index];
    if (known !== undefined) return known;
    const queue = new SignalQueue(signal, tenant);
    this.#queues.push(queue);
    const its = this.#byTenant.get(tenant) ?? [];
    its[index] = queue;
    this.#byTenant.set(tenant, its);
    return queue;
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

/** The first, when its time has come. */
function takeDue(waiting: Heap<AsideGroup>, nowMs: number): AsideGroup | undefined {
  const { first } = waiting;
  if (first === undefined || waiting.firstKey > nowMs) return undefined;
  waiting.remove(first);
  return first;
}

/** Of a tenant, and empty. */
function isLeft({ tenant, length }: SignalQueue): boolean {
  return tenant !== undefined && length === 0;
}

/** Neither is empty. */
function isOlder(a: SignalQueue, b: SignalQueue): boolean {
  return a.peek()!.record.enqueuedMs < b.peek()!.record.enqueuedMs;
}
