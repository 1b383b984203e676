import type { Parcel, ParcelOutcome } from "./parcel.ts";
import type { QueueRecord } from "./record.ts";

/**
 * How one copy of a parcel ended; undefined when its target went away before it was sent, and
 * others have copies.
 */
export type CopyOutcome = ParcelOutcome | undefined;

/** Who waits for copies of a parcel, or for parts of one copy. */
export interface CopyReceipt {
  /** The sender of what was copied has gone away. */
  readonly cancelled: boolean;
  /**
   * All the other copies have ended, and none arrived: without this one the parcel would have gone
   * nowhere.
   */
  readonly isLast: boolean;
  /** What the copies are copies of, once it has been copied out of where it came. */
  moveOut(): Parcel;
  /** Once for each. */
  end(record: QueueRecord, outcome: CopyOutcome): void;
}

/** Where what was copied ends. */
interface CopyOrigin {
  isCancelled(record: QueueRecord): boolean;
  finish(parcel: Parcel, outcome: ParcelOutcome): void;
  moveOut(parcel: Parcel): void;
}

const RANK = { failed: 0, rejected: 1, delivered: 2 } as const;

/**
 * The copies of one parcel that goes to several targets: it ends when all of them have ended, with
 * the weakest outcome.
 */
export class Copies implements CopyReceipt {
  readonly #records: CopyOrigin;
  readonly #origin: Parcel;
  #left: number;
  #weakest: CopyOutcome;
  #arrived = false;

  constructor(records: CopyOrigin, origin: Parcel, count: number) {
    this.#records = records;
    this.#origin = origin;
    this.#left = count;
  }

  get cancelled(): boolean {
    return this.#records.isCancelled(this.#origin.record);
  }

  get isLast(): boolean {
    return this.#left === 1 && !this.#arrived;
  }

  moveOut(): Parcel {
    this.#records.moveOut(this.#origin);
    return this.#origin;
  }

  end(_: QueueRecord, outcome: CopyOutcome): void {
    this.#arrived ||= outcome?.kind === "delivered";
    this.#weakest = weaker(this.#weakest, outcome);
    if (--this.#left > 0) return;
    this.#records.finish(this.#origin, this.#weakest ?? NO_TARGET_LEFT);
  }
}

const NO_TARGET_LEFT = {
  kind: "failed",
  reason: "no_target",
  message: "its target was taken out of the pool",
} as const satisfies ParcelOutcome;

/**
 * One copy of a parcel that was split: ends when all parts have ended. A part that was rejected
 * makes its things count as rejected, as the target would have said it; a part that failed makes
 * the whole fail, and one that was taken out takes the whole out.
 */
export class CopyParts implements CopyReceipt {
  readonly #whole: CopyReceipt;
  readonly #record: QueueRecord;
  readonly #ids: readonly number[];
  readonly #points: readonly number[];
  readonly #outcomes: CopyOutcome[];
  #left: number;

  constructor(whole: CopyReceipt, record: QueueRecord, parts: readonly Pick<Parcel, "record">[]) {
    this.#whole = whole;
    this.#record = record;
    this.#ids = parts.map((part) => part.record.id);
    this.#points = parts.map((part) => part.record.points);
    this.#outcomes = parts.map(() => undefined);
    this.#left = parts.length;
  }

  get cancelled(): boolean {
    return this.#whole.cancelled;
  }

  get isLast(): boolean {
    return this.#whole.isLast;
  }

  moveOut(): Parcel {
    return this.#whole.moveOut();
  }

  end({ id }: QueueRecord, outcome: CopyOutcome): void {
    this.#outcomes[this.#ids.indexOf(id)] = outcome;
    if (--this.#left === 0) this.#whole.end(this.#record, sum(this.#outcomes, this.#points));
  }
}

function weaker(a: CopyOutcome, b: CopyOutcome): CopyOutcome {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.kind === "delivered" && b.kind === "delivered") return a.rejected >= b.rejected ? a : b;
  return RANK[a.kind] <= RANK[b.kind] ? a : b;
}

function sum(outcomes: readonly CopyOutcome[], points: readonly number[]): CopyOutcome {
  if (outcomes.includes(undefined)) return undefined;
  const ended = outcomes.filter((outcome) => outcome !== undefined);
  const failed = ended.find(({ kind }) => kind === "failed");
  if (failed !== undefined) return failed;
  if (ended.every(({ kind }) => kind === "rejected")) return ended[0];
  let rejected = 0;
  for (const [i, outcome] of ended.entries()) {
    if (outcome.kind === "rejected") rejected += points[i]!;
    else if (outcome.kind === "delivered") rejected += outcome.rejected;
  }
  const said = ended.find(({ message }) => message !== "");
  const target = said?.target ?? ended.find((outcome) => outcome.target !== undefined)?.target;
  return { kind: "delivered", rejected, message: said?.message ?? "", ...(target !== undefined && { target }) };
}
