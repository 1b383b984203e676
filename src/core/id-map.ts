const MIN_SLOTS = 4;
/** A table that has become empty is kept up to this size, if nobody says another one. */
const KEPT_SLOTS = 64;

/**
 * From positive integers to objects, for what comes and goes quickly; why not a `Map`: see bag.ts.
 * Open addressing with linear probing, at most half full, and no marks for what was deleted.
 * Identifiers that follow each other by two, as those of HTTP/2 streams do, never collide; the
 * worst that chosen ones can do is to make a step of each that is there.
 */
export class IdMap<T extends object> {
  #ids: number[] = emptyIds(MIN_SLOTS);
  #values: (T | undefined)[] = emptyValues(MIN_SLOTS);
  #size = 0;
  readonly #keptSlots: number;

  /**
   * `keptSlots`: of a table that is emptied again and again, more than twice what is mostly in it.
   * To make it anew each time costs more than all that is done with it.
   */
  constructor(keptSlots = KEPT_SLOTS) {
    this.#keptSlots = keptSlots;
  }

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#values[this.#find(id)];
  }

  set(id: number, value: T): void {
    let at = this.#find(id);
    if (this.#values[at] === undefined) {
      if (++this.#size * 2 > this.#ids.length) {
        this.#resize(this.#ids.length * 2);
        at = this.#find(id);
      }
      this.#ids[at] = id;
    }
    this.#values[at] = value;
  }

  /** False: it was not there. */
  delete(id: number): boolean {
    const at = this.#find(id);
    if (this.#values[at] === undefined) return false;
    this.#close(at);
    if (--this.#size === 0 && this.#ids.length > this.#keptSlots) this.clear();
    return true;
  }

  clear(): void {
    this.#ids = emptyIds(MIN_SLOTS);
    this.#values = emptyValues(MIN_SLOTS);
    this.#size = 0;
  }

  /**
   * In the order of the identifiers: each that is there now and still there when its turn comes.
   */
  *values(): Generator<T, void> {
    const ids = this.#ids.filter((id) => id > 0).toSorted((a, b) => a - b);
    for (const id of ids) {
      const value = this.get(id);
      if (value !== undefined) yield value;
    }
  }

  /**
   * Where it is, or else the free slot where it belongs. The first step is like the others: where
   * none had been taken yet when V8 compiled what looks up here, the first collision made it throw
   * away a dozen functions at once, and a node was slow for half a second.
   */
  #find(id: number): number {
    const ids = this.#ids;
    const mask = ids.length - 1;
    let at = (id >>> 1) - 1;
    let there: number;
    do {
      at = (at + 1) & mask;
      there = ids[at]!;
    } while (there !== id && there !== 0);
    return at;
  }

  /**
   * Empties a slot, and moves what was only behind it because it was taken (Knuth, volume 3, 6.4,
   * algorithm R).
   */
  #close(hole: number): void {
    const ids = this.#ids;
    const mask = ids.length - 1;
    for (let at = (hole + 1) & mask; ids[at] !== 0; at = (at + 1) & mask) {
      const home = (ids[at]! >>> 1) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      ids[hole] = ids[at]!;
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    ids[hole] = 0;
    this.#values[hole] = undefined;
  }

  #resize(slots: number): void {
    const ids = this.#ids;
    const values = this.#values;
    this.#ids = emptyIds(slots);
    this.#values = emptyValues(slots);
    for (let from = 0; from < ids.length; from++) {
      if (ids[from] === 0) continue;
      const at = this.#find(ids[from]!);
      this.#ids[at] = ids[from]!;
      this.#values[at] = values[from];
    }
  }
}

function emptyIds(slots: number): number[] {
  return Array.from({ length: slots }, () => 0);
}

function emptyValues<T>(slots: number): (T | undefined)[] {
  return Array.from<T | undefined>({ length: slots }).fill(undefined);
}
