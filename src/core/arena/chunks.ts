/** So far is looked back for the beginning of a row of free chunks. */
const MOST_BACK = 16;

/**
 * Which chunks of an arena are in use, by how many; and a list of the free ones, in which a chunk
 * can be taken out of the middle. Chunks that are taken one by one come from its front, where what
 * was given back last is: warm, and few of them. Runs are looked for from the last chunk downwards,
 * and go to the end of the list when they are given back: so both keep out of each other's way.
 */
export class Chunks {
  readonly count: number;
  free: number;
  readonly #uses: Int32Array;
  /** Of chunks that are shared: how many of their bytes are in use. */
  readonly #alive: Int32Array;
  /** By how many of those that outlive their requests each is used, and how many chunks are so. */
  readonly #stays: Int32Array;
  staying = 0;
  /** The list of free chunks, as a ring through one more entry that is no chunk. */
  readonly #next: Int32Array;
  readonly #before: Int32Array;
  /** No chunk above is free. */
  #highest: number;
  /** The highest that was ever taken singly: those up to it have memory of the system already. */
  #warm = -1;

  constructor(count: number) {
    this.count = count;
    this.free = count;
    this.#uses = new Int32Array(count);
    this.#alive = new Int32Array(count);
    this.#stays = new Int32Array(count);
    this.#next = Int32Array.from({ length: count + 1 }, (_, i) => (i === count ? 0 : i + 1));
    this.#before = Int32Array.from({ length: count + 1 }, (_, i) => (i === 0 ? count : i - 1));
    this.#highest = count - 1;
  }

  usesOf(chunk: number): number {
    return this.#uses[chunk]!;
  }

  /**
   * Whether what is packed may go on in this chunk: not in one that was never used while there is
   * one that was. Else a steady load would wander through the whole arena, and have all of it.
   */
  mayGoOn(chunk: number): boolean {
    if (chunk >= this.count || this.#uses[chunk] !== 0) return false;
    return chunk <= this.#warm || this.#next[this.count]! > this.#warm;
  }

  /** Goes on in this one, which is free, with one use. */
  goOn(chunk: number): void {
    if (chunk > this.#warm) this.#warm = chunk;
    this.#take(chunk);
  }

  /** Takes one with one use; -1: none is free. */
  takeOne(): number {
    if (this.free === 0) return -1;
    let chunk = this.#next[this.count]!;
    // What is before it and free was left a little earlier: from there bodies can lie over borders.
    for (let i = 0; i < MOST_BACK && chunk > 0 && this.#uses[chunk - 1] === 0; i++) chunk--;
    this.goOn(chunk);
    return chunk;
  }

  #take(chunk: number): void {
    const next = this.#next[chunk]!;
    const before = this.#before[chunk]!;
    this.#next[before] = next;
    this.#before[next] = before;
    this.#uses[chunk] = 1;
    this.free--;
  }

  /** Takes so many in a row, with one use each, and gives the first; -1: there is no such row. */
  takeRun(length: number): number {
    if (this.free < length) return -1;
    let found = 0;
    let isTop = true;
    for (let chunk = this.#highest; chunk >= 0; chunk--) {
      if (this.#uses[chunk] !== 0) {
        found = 0;
        continue;
      }
      if (isTop) this.#highest = chunk;
      isTop = false;
      if (++found < length) continue;
      for (let i = 0; i < length; i++) this.#take(chunk + i);
      return chunk;
    }
    return -1;
  }

  use(chunk: number): void {
    this.#uses[chunk]!++;
  }

  aliveIn(chunk: number): number {
    return this.#alive[chunk]!;
  }

  /** So many bytes more, or less, of a chunk that is shared are in use. */
  countAlive(chunk: number, bytes: number): void {
    this.#alive[chunk]! += bytes;
  }

  /** How many of these chunks nothing that outlives its request is in. */
  notStaying(first: number, last: number): number {
    let count = 0;
    for (let chunk = first; chunk <= last; chunk++) if (this.#stays[chunk] === 0) count++;
    return count;
  }

  /** Something that is in these chunks outlives its request, or is not there any more. */
  stay(first: number, last: number, sign: 1 | -1): void {
    for (let chunk = first; chunk <= last; chunk++) {
      const before = this.#stays[chunk]!;
      this.#stays[chunk] = before + sign;
      if (before === 0) this.staying++;
      else if (before + sign === 0) this.staying--;
    }
  }

  /** Ends a use of a chunk that is shared. True: that was the last one, and it is free. */
  leave(chunk: number): boolean {
    if (--this.#uses[chunk]! > 0) return false;
    this.#insert(chunk, this.count, this.#next[this.count]!);
    return true;
  }

  /** Ends the only use of a chunk of a run. */
  leaveRun(chunk: number): void {
    this.#uses[chunk] = 0;
    this.#insert(chunk, this.#before[this.count]!, this.count);
  }

  #insert(chunk: number, before: number, next: number): void {
    this.#before[chunk] = before;
    this.#next[chunk] = next;
    this.#next[before] = chunk;
    this.#before[next] = chunk;
    this.free++;
    if (chunk > this.#highest) this.#highest = chunk;
  }
}
