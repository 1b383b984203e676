import { type Signal, SIGNAL_FACTS } from "../../otlp/signal.ts";
import { type Delivery, expiresMs, expiryOf } from "./delivery.ts";
import type { QueueStore, StorePartition } from "./queue-store.ts";
import type { Records } from "./records.ts";
import { turnOf } from "./tenants.ts";

/**
 * After a look at this many parcels for expired ones, the next look is a millisecond away at least.
 */
const LOOKED_AT_PER_MS = 1_000;

const NONE: readonly Delivery[] = [];

/** In which order the partitions of a store are read, and what of them is too old to be. */
export class LaneOrder {
  readonly #store: QueueStore;
  readonly #records: Records;
  /** Nothing that is ready expires before: a lower bound, exact after each look. */
  #expiryMs = Infinity;
  #nextLookMs = -Infinity;

  constructor(store: QueueStore, records: Records) {
    this.#store = store;
    this.#records = records;
  }

  /** When time alone changes what is ready, or ends something that is. */
  get nextMs(): number {
    return Math.min(Math.max(this.#expiryMs, this.#nextLookMs), this.#store.nextMs);
  }

  hasReadyOf(signal: Signal): boolean {
    for (const one of this.#store.partitions) if (one.signal === signal && one.length > 0) return true;
    return false;
  }

  /** When the oldest that is ready was offered; Infinity when nothing is. */
  get oldestMs(): number {
    let oldest = Infinity;
    for (const one of this.#store.partitions) oldest = Math.min(oldest, one.peek()?.record.enqueuedMs ?? Infinity);
    return oldest;
  }

  /** It is ready now. */
  note(delivery: Delivery, maxAgeMs: number): void {
    this.#expiryMs = Math.min(this.#expiryMs, expiresMs(delivery, maxAgeMs));
  }

  /** The limits of age have changed: the next sweep looks at everything. */
  forgetExpiry(): void {
    this.#expiryMs = -Infinity;
  }

  /** Makes ready what has waited long enough. */
  wake(nowMs: number, maxAgeMs: number): void {
    for (const delivery of this.#store.wake(nowMs)) this.note(delivery, maxAgeMs);
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
    for (const partition of this.#store.partitions) {
      looked += partition.length;
      partition.keep((delivery) => {
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
   * The partition whose turn it is, of those that are not in `but` and of no signal whose bit is in
   * `signals`: of one tenant, that whose first parcel is the oldest.
   */
  next(but: ReadonlySet<StorePartition>, signals: number): StorePartition | undefined {
    let next: StorePartition | undefined;
    for (const one of this.#store.partitions) {
      if (one.length === 0 || (SIGNAL_FACTS[one.signal].bit & signals) !== 0 || but.has(one)) continue;
      if (next === undefined || comesBefore(one, next)) next = one;
    }
    return next;
  }

  /**
   * What `next` gives one after the other, each added to `but`, while nothing is sent; for a
   * thousand tenants at once.
   */
  inTurn(but: ReadonlySet<StorePartition>, signals: number): StorePartition[] {
    return this.#store.partitions
      .filter((one) => one.length > 0 && (SIGNAL_FACTS[one.signal].bit & signals) === 0 && !but.has(one))
      .toSorted((a, b) => (comesBefore(a, b) ? -1 : comesBefore(b, a) ? 1 : 0));
  }
}

/** Neither is empty. */
function comesBefore(a: StorePartition, b: StorePartition): boolean {
  const turn = a.tenant === b.tenant ? 0 : turnOf(a.tenant, b.tenant);
  return turn === 0 ? a.peek()!.record.enqueuedMs < b.peek()!.record.enqueuedMs : turn < 0;
}

/**
 * `stuck`: nothing of it can be sent now. `full`: nor of any other tenant's queue of its signal.
 */
export type Turn = "sent" | "stuck" | "full";

export interface TurnTaker {
  /** Sends what is first in this queue, if anything can be sent. */
  take(queue: StorePartition, nowMs: number): Turn;
}

/**
 * Of so many queues that are stuck, whose turn it is is found by looking at all each time; more are
 * put in order once.
 */
const FEW = 16;

/** What cannot send in this turn. */
interface Stuck {
  readonly queues: Set<StorePartition>;
  /** A bit each. */
  signals: number;
}

/** Lets queues send in turn for as long as any of them can. */
export function takeTurns(order: LaneOrder, taker: TurnTaker, nowMs: number): void {
  const stuck: Stuck = { queues: new Set(), signals: 0 };
  for (;;) {
    const next = order.next(stuck.queues, stuck.signals);
    if (next === undefined) return;
    if (sends(taker, next, nowMs, stuck) || stuck.queues.size < FEW) continue;
    for (const one of order.inTurn(stuck.queues, stuck.signals)) if (sends(taker, one, nowMs, stuck)) break;
  }
}

/** False: it does not, as is noted. */
function sends(taker: TurnTaker, queue: StorePartition, nowMs: number, stuck: Stuck): boolean {
  const { bit } = SIGNAL_FACTS[queue.signal];
  if ((stuck.signals & bit) !== 0) return false;
  const turn = taker.take(queue, nowMs);
  if (turn === "sent") return true;
  stuck.queues.add(queue);
  if (turn === "full") stuck.signals |= bit;
  return false;
}
