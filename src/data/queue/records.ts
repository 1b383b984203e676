import { type BytesOwner, OWN_MEMORY } from "../../core/arena/extent.ts";
import { joinOwned } from "../../core/bytes.ts";
import { IdMap } from "../../core/id-map.ts";
import type { Reason } from "../../core/reason.ts";
import type { Ledger, LedgerEntry } from "../../telemetry/ledger.ts";
import { Copies, CopyParts, type CopyReceipt } from "./copies.ts";
import type { Losses } from "./losses.ts";
import { type Parcel, type ParcelOutcome, type Part, type Pieces, viewsOf } from "./parcel.ts";
import {
  CountedShare,
  divideShares,
  isUnread,
  keepHistory,
  type NewRecord,
  newRecord,
  type QueueRecord,
  type Share,
} from "./record.ts";

/** Who waits for the ends of records, those of one request mostly. */
export interface Receipt {
  /** The sender has gone away: what was not sent yet need not be. */
  readonly cancelled: boolean;
  /** One more record will end, in place of one that it knows of. */
  expect(): void;
  settled(outcome: ParcelOutcome, points: number): void;
  /**
   * In place of `settled`, for what was not read: it cannot go on as it is, and has to be read. Its
   * bytes are from then on the receiver's to release.
   */
  sentBack?(parcel: Parcel): void;
}

interface RecordsEnv {
  readonly ledger: Pick<Ledger, "entry">;
  /** Told what nobody gets. */
  readonly losses: Pick<Losses, "tell">;
}

/**
 * All records of a node that have not ended: what they are numbered by, who waits for each, and the
 * one place where all of them end. A record that nobody waits for is as good as any: only nobody is
 * told.
 */
export class Records {
  readonly #ledger: Pick<Ledger, "entry">;
  readonly #losses: Pick<Losses, "tell">;
  /** By the id of the record. */
  readonly #receipts = new IdMap<Receipt>(KEPT_RECEIPTS);
  /** Of copies, the same. */
  readonly #copies = new IdMap<CopyReceipt>();
  #lastId = 0;
  /**
   * Those that were asked for last: three look-ups by text for each share of a request, twice, were
   * 1 % of the time at 10 spans a request.
   */
  #lastEntry: LedgerEntry | undefined;
  #entryBefore: LedgerEntry | undefined;

  constructor({ ledger, losses }: RecordsEnv) {
    this.#ledger = ledger;
    this.#losses = losses;
  }

  /**
   * A new one, which is in the ledger as queued from here to `finish`. `receipt` expects it
   * already.
   */
  add(facts: NewRecord, pieces: Pieces, owner: BytesOwner, receipt: Receipt | undefined): Parcel {
    const record = newRecord(this.#newId(), 0, facts);
    if (receipt !== undefined) this.#receipts.set(record.id, receipt);
    owner.retain();
    const { shares } = facts;
    for (let i = 0; i < shares.length; i++) enter(this.#entryOf(record, shares[i]!), record, shares[i]!.points);
    return { record, pieces, owner };
  }

  /** The sender has gone away. */
  isCancelled({ id, copyOf }: QueueRecord): boolean {
    const receipt = copyOf === 0 ? this.#receipts.get(id) : this.#copies.get(id);
    return receipt?.cancelled === true;
  }

  /**
   * Every record ends here, once: in the ledger by its rules and pools, for operators where it is
   * lost, and for who waits for it.
   */
  finish(parcel: Parcel, outcome: ParcelOutcome): void {
    const { record, owner } = parcel;
    if (record.copyOf !== 0 && this.#endCopy(parcel, outcome)) return;
    const receipt = this.#receipts.get(record.id);
    if (receipt !== undefined) this.#receipts.delete(record.id);
    this.#account(parcel, outcome, receipt !== undefined);
    owner.release();
    receipt?.settled(outcome, record.points);
  }

  /** Gives what was not read back to whoever waits for it. */
  sendBack(parcel: Parcel): void {
    const { id } = parcel.record;
    const receipt = this.#receipts.get(id);
    if (receipt?.sentBack === undefined) return this.finish(parcel, CANNOT_BE_READ);
    this.#receipts.delete(id);
    receipt.sentBack(parcel);
  }

  /** It found no place in a queue, and its sender is told so elsewhere. */
  refuse({ record, owner }: Parcel, reason: Reason): void {
    for (const share of record.shares) {
      const entry = this.#entryOf(record, share);
      enter(entry, record, -share.points);
      entry.shedItems(reason, share.points);
    }
    owner.release();
  }

  /**
   * Parcels in place of this one, which has no end of its own then. The parts together hold what it
   * holds.
   */
  divide(parcel: Parcel, parts: readonly Part[]): readonly Parcel[] {
    const { record, owner } = parcel;
    if (parts.length === 1)
      return [{ record: partOf(record, record.id, parts[0]!, record.shares), pieces: parts[0]!.pieces, owner }];
    let { shares } = record;
    const divided = parts.map((part) => {
      const [its, others] = divideShares(shares, part.points);
      shares = others;
      owner.retain();
      return { record: partOf(record, this.#newId(), part, its), pieces: part.pieces, owner };
    });
    this.#divideReceipt(record, divided);
    owner.release();
    return divided;
  }

  /** So many copies of it, which ends with the last of them. */
  copy(origin: Parcel, count: number): readonly Parcel[] {
    const { record, pieces, owner } = origin;
    const receipt = new Copies(this, origin, count);
    return Array.from({ length: count }, () => {
      const copy = newRecord(this.#newId(), record.id, record);
      keepHistory(record, copy);
      this.#copies.set(copy.id, receipt);
      owner.retain();
      return { record: copy, pieces, owner };
    });
  }

  /**
   * Others have a copy as well, or had: what this is a copy of, or a part of a copy of, does not
   * depend on it.
   */
  isSpare({ id, copyOf }: QueueRecord): boolean {
    return copyOf !== 0 && this.#copies.get(id)?.isLast === false;
  }

  /**
   * Ends a copy that others have as well as if it had never been made. False: it is none, and goes
   * on.
   */
  leaveOut(parcel: Parcel): boolean {
    return this.isSpare(parcel.record) && this.#endCopy(parcel, undefined);
  }

  /**
   * All copies of what this is one of; undefined when it is none, or a part of one: the other parts
   * would be missed.
   */
  copiesOf({ id, copyOf }: QueueRecord): Copies | undefined {
    const receipt = copyOf === 0 ? undefined : this.#copies.get(id);
    return receipt instanceof Copies ? receipt : undefined;
  }

  /**
   * Copies it to memory of its own, so that it does not hold any more what it came in. Only while
   * nobody reads it. All copies of one parcel have the same memory.
   */
  moveOut(parcel: MovableParcel): void {
    const { record, owner } = parcel;
    if (owner === OWN_MEMORY) return;
    const origin = this.#copies.get(record.id)?.moveOut();
    const isWhole = origin !== undefined && origin.record.bytes === record.bytes;
    parcel.pieces = isWhole ? origin.pieces : [joinOwned(viewsOf(parcel), record.bytes)];
    parcel.owner = OWN_MEMORY;
    owner.release();
  }

  /** Also where others have none. */
  withdraw(copy: Parcel): void {
    this.#endCopy(copy, undefined);
  }

  #newId(): number {
    this.#lastId += ID_STEP;
    return this.#lastId;
  }

  /** Always the same for the same names. */
  #entryOf({ signal }: QueueRecord, share: Share): LedgerEntry {
    const known = CountedShare.entryOf(share);
    if (known !== undefined) return known;
    const { rule, pool } = share;
    if (isEntryOf(this.#lastEntry, signal, rule, pool)) return this.#lastEntry;
    if (isEntryOf(this.#entryBefore, signal, rule, pool)) return this.#entryBefore;
    this.#entryBefore = this.#lastEntry;
    this.#lastEntry = this.#ledger.entry(signal, rule, pool);
    return this.#lastEntry;
  }

  /** False: nobody knows of the other copies. */
  #endCopy({ record, owner }: Parcel, outcome: ParcelOutcome | undefined): boolean {
    const receipt = this.#copies.get(record.id);
    if (receipt === undefined) return false;
    this.#copies.delete(record.id);
    owner.release();
    receipt.end(record, outcome);
    return true;
  }

  #divideReceipt(record: QueueRecord, parts: readonly Parcel[]): void {
    const ids = parts.map((part) => part.record.id);
    const receipt = this.#receipts.get(record.id);
    if (receipt !== undefined) {
      this.#receipts.delete(record.id);
      for (const [i, id] of ids.entries()) {
        if (i > 0) receipt.expect(); // one was expected before
        this.#receipts.set(id, receipt);
      }
    }
    const copies = this.#copies.get(record.id);
    if (copies === undefined) return;
    this.#copies.delete(record.id);
    const joined = new CopyParts(copies, record, parts);
    for (const id of ids) this.#copies.set(id, joined);
  }

  /**
   * What a target rejected of a parcel of several rules is put down to them in order: which it was,
   * nobody tells.
   */
  #account(parcel: Parcel, outcome: ParcelOutcome, isTold: boolean): void {
    const { record } = parcel;
    if (isUnread(record)) return; // in requests, by whoever waits for it (data/pass-through.ts)
    let rejected = outcome.kind === "delivered" ? outcome.rejected : 0;
    for (const share of record.shares) {
      const { points } = share;
      const entry = this.#entryOf(record, share);
      enter(entry, record, -points);
      switch (outcome.kind) {
        case "delivered": {
          const part = Math.min(rejected, points);
          entry.delivered += points - part;
          entry.rejected += part;
          rejected -= part;
          if (part > 0) this.#tell("target_rejected", outcome, { parcel, entry, points: part, isTold });
          break;
        }
        case "rejected": {
          const reason = outcome.badData ? "bad_data" : "target_rejected";
          entry.rejected += points;
          this.#tell(reason, outcome, { parcel, entry, points, isTold });
          break;
        }
        case "failed":
          if (isTold) {
            entry.shedItems(outcome.reason, points); // its sender is told, and has it
            break;
          }
          entry.lose(outcome.reason, points);
          this.#tell(outcome.reason, outcome, { parcel, entry, points, isTold });
          break;
      }
    }
  }

  #tell(reason: Reason, { message: said, target = "" }: ParcelOutcome, what: Lost): void {
    const { parcel, entry, points, isTold } = what;
    const { rule, pool } = entry;
    this.#losses.tell({
      signal: parcel.record.signal,
      rule,
      pool,
      target,
      reason,
      said,
      points,
      acknowledged: !isTold,
      pieces: viewsOf(parcel),
    });
  }
}

/** Nobody waits for it who could read it. */
const CANNOT_BE_READ = {
  kind: "failed",
  reason: "target_failed",
  message: "it cannot go on as it came",
} as const satisfies ParcelOutcome;

/** A parcel that may be copied elsewhere. */
interface MovableParcel extends Parcel {
  pieces: Pieces;
  owner: BytesOwner;
}

/** What one rule loses of a parcel. */
interface Lost {
  readonly parcel: Parcel;
  readonly entry: LedgerEntry;
  readonly points: number;
  readonly isTold: boolean;
}

/**
 * Slots that are kept when nobody waits, as between two turns of a few hundred calls: 64 KiB. Made
 * anew each time they were 4 % of the time at 10 spans a request.
 */
const KEPT_RECEIPTS = 4_096;
/** Such ids never collide in the table. */
const ID_STEP = 2;

function isEntryOf(entry: LedgerEntry | undefined, signal: string, rule: string, pool: string): entry is LedgerEntry {
  return entry !== undefined && entry.rule === rule && entry.pool === pool && entry.signal === signal;
}

/** So many more of it are queued, or fewer. */
function enter(entry: LedgerEntry, { ack }: QueueRecord, points: number): void {
  entry.queued += points;
  if (ack === "queued") entry.acknowledged += points;
}

function partOf(whole: QueueRecord, id: number, part: Part, shares: QueueRecord["shares"]): QueueRecord {
  const { bytes, items, points, headers = whole.headers, enqueuedMs = whole.enqueuedMs } = part;
  const { signal, encoding, region, ack, expiresMs, copyOf } = whole;
  const record = newRecord(id, copyOf, {
    signal,
    encoding,
    region,
    headers,
    ack,
    bytes,
    items,
    points,
    shares,
    enqueuedMs,
    expiresMs,
  });
  keepHistory(whole, record);
  return record;
}
