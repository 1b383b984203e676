import { Heap, type HeapItem } from "../../core/heap.ts";
import { compareEpochs, type Epoch } from "../../store/recipes/epoch.ts";

/** A part of a whole that one holder may use until its time is over. */
export interface GrantedShare {
  readonly amount: number;
  /** Counted by the holder from the sending of its request. */
  readonly validForMs: number;
  /** Which grant of its leader this is: whoever uses it uses none of the lower ones any more. */
  readonly seq: number;
}

/** What a holder says that it uses: as it was granted, and how much longer. */
export interface HeldShare {
  readonly amount: number;
  /** From the receiving of its request at most. */
  readonly validForMs: number;
  readonly epoch: Epoch;
  readonly seq: number;
}

export interface ShareRequest {
  readonly holder: string;
  readonly wanted: number;
  readonly held: HeldShare | undefined;
  /**
   * The leader that it was sent to, as the holder knows it from an earlier reply: what was sent to
   * another one may tell of a share that the holder has given back since.
   */
  readonly to: Epoch;
}

interface ShareBookOptions {
  readonly epoch: Epoch;
  /** Of each share. */
  readonly leaseMs: number;
  /**
   * Until then only what holders report as theirs is granted: a leader before this one may have
   * granted all the rest, and those who have it may be silent. That is one full lease after this
   * one began to lead.
   */
  readonly learnedAtMs: number;
}

/** Something that a holder may believe to have. */
interface ShareRow extends HeapItem {
  readonly holder: ShareHolder;
  readonly amount: number;
  /** Of the leader before: 0. */
  readonly seq: number;
  readonly untilMs: number;
}

interface ShareHolder {
  readonly id: string;
  rows: ShareRow[];
  /** It uses one of them; nobody knows which. */
  most: number;
}

/** Answers that were lost on the way may leave a holder with one of these. */
const MAX_OUTSTANDING = 64;

/**
 * Shares a whole out among holders, so that those who may believe to have a part never have more
 * than all of it together: through lost answers, silent holders and changes of the leader. Time is
 * an argument. How much each should have is decided by whoever asks; here is what may be given.
 */
export class ShareBook {
  readonly #options: ShareBookOptions;
  readonly #holders = new Map<string, ShareHolder>();
  /** By their ends. */
  readonly #ends = new Heap<ShareRow>();
  #outstanding = 0;
  #total = 0;
  #totalUntilMs = Number.POSITIVE_INFINITY;
  #seq = 0;

  constructor(options: ShareBookOptions) {
    this.#options = options;
  }

  /** The whole, which is itself a share of somebody's: no part of it outlives it. */
  setTotal(amount: number, untilMs = Number.POSITIVE_INFINITY): void {
    this.#total = amount;
    this.#totalUntilMs = untilMs;
  }

  isLearning(nowMs: number): boolean {
    return nowMs < this.#options.learnedAtMs;
  }

  /** What holders may believe to have, at most. */
  outstanding(nowMs: number): number {
    this.#expire(nowMs);
    return this.#outstanding;
  }

  /**
   * Nobody is given more than it wants, or than is left. Undefined: nothing. Costs the same however
   * many holders there are.
   */
  grant({ holder: id, wanted, held, to }: ShareRequest, nowMs: number): GrantedShare | undefined {
    this.#expire(nowMs);
    if (compareEpochs(to, this.#options.epoch) !== 0) return undefined;
    const holder = this.#holders.get(id) ?? { id, rows: [], most: 0 };
    if (held !== undefined) this.#hear(holder, held, nowMs);
    const mayHave = this.isLearning(nowMs) ? reported(held) : Number.POSITIVE_INFINITY;
    const left = Math.max(0, this.#total - (this.#outstanding - holder.most));
    const untilMs = Math.min(nowMs + this.#options.leaseMs, this.#totalUntilMs);
    const fresh = { amount: untilMs > nowMs ? Math.min(wanted, mayHave, left) : 0, untilMs };
    const part = withinRows(holder, Math.min(wanted, mayHave), fresh.amount) ?? fresh;
    if (!(part.amount > 0) || holder.rows.length >= MAX_OUTSTANDING) return undefined;
    const seq = ++this.#seq;
    this.#add({ heapIndex: -1, holder, seq, ...part });
    return { amount: part.amount, validForMs: part.untilMs - nowMs, seq };
  }

  /** What a holder uses, who is granted nothing now: what was granted it before is free. */
  told({ holder: id, held, to }: Omit<ShareRequest, "wanted">, nowMs: number): void {
    this.#expire(nowMs);
    const holder = this.#holders.get(id);
    if (holder === undefined || held === undefined || compareEpochs(to, this.#options.epoch) !== 0) return;
    this.#hear(holder, held, nowMs);
  }

  /** It has said that it uses nothing any more, and will not again before it asks. */
  release(id: string, nowMs: number): void {
    this.#expire(nowMs);
    const holder = this.#holders.get(id);
    if (holder === undefined) return;
    for (const row of holder.rows) this.#ends.remove(row);
    this.#keep(holder, []);
  }

  #hear(holder: ShareHolder, held: HeldShare, nowMs: number): void {
    if (compareEpochs(held.epoch, this.#options.epoch) === 0) {
      // A holder that uses a share uses none that was granted before it.
      for (const row of holder.rows) if (row.seq < held.seq) this.#ends.remove(row);
      this.#keep(
        holder,
        holder.rows.filter(({ seq }) => seq >= held.seq),
      );
    } else if (this.isLearning(nowMs) && holder.rows.length === 0 && reported(held) > 0) {
      // It is as if it had been granted here, before all others.
      const untilMs = nowMs + Math.min(held.validForMs, this.#options.leaseMs);
      this.#add({ heapIndex: -1, holder, amount: held.amount, seq: 0, untilMs });
    }
  }

  #add(row: ShareRow): void {
    this.#ends.set(row, row.untilMs);
    this.#keep(row.holder, [...row.holder.rows, row]);
  }

  #expire(nowMs: number): void {
    for (let { first } = this.#ends; first !== undefined; { first } = this.#ends) {
      if (this.#ends.firstKey > nowMs) return;
      const over = first;
      this.#ends.remove(over);
      this.#keep(
        over.holder,
        over.holder.rows.filter((row) => row !== over),
      );
    }
  }

  #keep(holder: ShareHolder, rows: ShareRow[]): void {
    const most = rows.reduce((so, { amount }) => Math.max(so, amount), 0);
    this.#outstanding += most - holder.most;
    holder.rows = rows;
    holder.most = most;
    if (rows.length > 0) this.#holders.set(holder.id, holder);
    else this.#holders.delete(holder.id);
    if (this.#holders.size === 0) this.#outstanding = 0;
  }
}

/**
 * Nothing is left, since the whole has become less, and a holder wants no more than it may have: so
 * much, and no longer than that. Or else it could not give the rest back before its end.
 */
function withinRows({ rows }: ShareHolder, wanted: number, left: number): HeldWithin | undefined {
  let most: HeldWithin | undefined;
  for (const { amount: its, untilMs } of rows) {
    const amount = Math.min(wanted, its);
    if (amount <= left) continue;
    if (most === undefined || untilMs > most.untilMs) most = { amount, untilMs };
  }
  return most;
}

interface HeldWithin {
  readonly amount: number;
  readonly untilMs: number;
}

/** While it is learnt who has what: as much as the holder has, and no more. */
function reported(held: HeldShare | undefined): number {
  return held === undefined || held.validForMs <= 0 ? 0 : held.amount;
}
