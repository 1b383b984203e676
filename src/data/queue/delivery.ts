import type { BytesOwner } from "../../core/arena/extent.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { SizeDoubt } from "../send-outcome.ts";
import type { Parcel, ParcelOutcome, Pieces } from "./parcel.ts";
import type { Aside } from "./queue-store.ts";
import type { QueueRecord } from "./record.ts";
import type { Records } from "./records.ts";
import type { Tenant } from "./tenants.ts";

/** What few deliveries meet with: those that came back from a target, mostly. */
interface Setbacks {
  again: boolean;
  maxTogether: number;
  maxBytes: number;
  splits: number;
  trial: Trial | undefined;
  indivisible: boolean;
  refusedBy: TargetHandle | undefined;
}

/** The same of all that have met with nothing. */
const NO_SETBACKS: Readonly<Setbacks> = {
  again: false,
  maxTogether: Infinity,
  maxBytes: Infinity,
  splits: 0,
  trial: undefined,
  indivisible: false,
  refusedBy: undefined,
};

/**
 * A parcel on its way to one target, with what only this process knows of that. Setbacks are an
 * object of their own, which thousands that wait for their first send share: 80 instead of 160
 * bytes each.
 */
export class Delivery implements Parcel {
  readonly record: QueueRecord;
  /** Both others when it was copied out of where it came, which is done only while it waits. */
  pieces: Pieces;
  owner: BytesOwner;
  /** Bytes of the queue's bound that it takes, until it is settled. */
  readonly charge: number;
  /** Whose it is, while it is in a queue whose tenants take turns. */
  tenant: Tenant | undefined = undefined;
  /** Which asked its sender to leave them alone, when it was its turn last: their keys. */
  paused: readonly string[] | undefined = undefined;
  #met: Readonly<Setbacks> = NO_SETBACKS;

  constructor({ record, pieces, owner }: Parcel, charge: number) {
    this.record = record;
    this.pieces = pieces;
    this.owner = owner;
    this.charge = charge;
  }

  /** It was once on a kept connection that was found dead. */
  get again(): boolean {
    return this.#met.again;
  }

  /**
   * At most so many share a batch with it, itself included: lowered when a batch was refused as a
   * whole.
   */
  get maxTogether(): number {
    return this.#met.maxTogether;
  }

  /** A batch with it has no more bytes than this: lowered when one was refused for its size. */
  get maxBytes(): number {
    return this.#met.maxBytes;
  }

  /**
   * How often it was split, or tried apart from others, because a target had refused it. Its parts
   * go on from there, each by itself.
   */
  get splits(): number {
    return this.#met.splits;
  }

  /** While it is sent as the part whose fate decides about the others. */
  get trial(): Trial | undefined {
    return this.#met.trial;
  }

  /** It was found that it cannot be split. */
  get indivisible(): boolean {
    return this.#met.indivisible;
  }

  /** Which refused it last when it could not be split, perhaps for its size, perhaps not. */
  get refusedBy(): TargetHandle | undefined {
    return this.#met.refusedBy;
  }

  /** What is left out stays as it is. */
  meet(setbacks: Partial<Setbacks>): void {
    this.#met = { ...this.#met, ...setbacks };
  }
}

/**
 * What a parcel takes of its queue's bound: all that is kept for it, though others may have the
 * same headers.
 */
export function chargeOf({ bytes, headers }: Pick<QueueRecord, "bytes" | "headers">): number {
  return bytes + headers.bytes;
}

/**
 * The first part of what a target refused for its size, or perhaps for it: it is sent alone, and
 * the rest waits for what becomes of it. So what is refused at any size costs as many calls as it
 * can be halved, not as many as it has items.
 */
export interface Trial {
  readonly target: TargetHandle;
  readonly doubt: SizeDoubt | undefined;
  readonly refusedBytes: number;
  /** 1 for the part of what was refused first, 2 for the part of a part. */
  readonly level: number;
  /** What was refused first was a batch of several parcels. */
  readonly several: boolean;
  /** The rests, of the largest part first. */
  readonly asides: readonly Aside[];
}

export function deliver(parcel: Parcel): Delivery {
  return new Delivery(parcel, chargeOf(parcel.record));
}

/**
 * Deliveries of the parts of a parcel: they share what the whole one had taken of the bound, and
 * how it may be sent.
 */
export function deliverParts(whole: Delivery, parts: readonly Parcel[]): Delivery[] {
  const bytes = parts.reduce((sum, { record }) => sum + record.bytes, 0);
  let left = whole.charge;
  return parts.map((part, i) => {
    const charge = i === parts.length - 1 ? left : Math.floor((whole.charge * part.record.bytes) / bytes);
    left -= charge;
    const delivery = new Delivery(part, charge);
    const { again, maxTogether, maxBytes: most, splits, trial } = whole;
    delivery.tenant = whole.tenant;
    delivery.meet({ again, maxTogether, maxBytes: most, splits, ...(i === 0 && { trial }) });
    return delivery;
  });
}

/** Clock.nowMs() from which on it is given up. */
export function expiresMs({ record }: Parcel, maxAgeMs: number): number {
  return Math.min(record.expiresMs, record.enqueuedMs + maxAgeMs);
}

/** Why it need not be sent any more; undefined while it should. */
export function expiryOf(
  { record }: Parcel,
  nowMs: number,
  maxAgeMs: number,
  records: Pick<Records, "isCancelled">,
): ParcelOutcome | undefined {
  if (records.isCancelled(record)) return { kind: "failed", reason: "cancelled", message: "the sender went away" };
  if (record.expiresMs <= nowMs) {
    return { kind: "failed", reason: "deadline", message: "the sender's deadline passed before it was delivered" };
  }
  if (record.enqueuedMs + maxAgeMs <= nowMs) {
    return { kind: "failed", reason: "deadline", message: "it waited longer than the queue's max_age" };
  }
  return undefined;
}

/**
 * Counts one more attempt of each, at this target, and tells whether it is the first one of all.
 */
export function isFirstTry(deliveries: readonly Delivery[], target: string): boolean {
  let retries = 0;
  for (const delivery of deliveries) {
    const { record } = delivery;
    record.attempts++;
    record.target = target;
    retries += record.retries + delivery.splits + (delivery.again ? 1 : 0);
  }
  return retries === 0;
}

/** Says who was asked last, unless there is nothing to complain of. */
export function withTarget(outcome: ParcelOutcome, target: string): ParcelOutcome {
  if (target === "" || outcome.target !== undefined) return outcome;
  if (outcome.kind === "delivered" && outcome.rejected === 0) return outcome;
  return { ...outcome, target };
}
