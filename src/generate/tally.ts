/** Numbers in one page: 64 KiB as bits. */
const PAGE_NUMBERS = 524_288;

/**
 * What a tally saw. Without loss `distinct` is what was acknowledged; more than that is what was
 * sent but not acknowledged.
 */
interface TallyCounts {
  readonly seen: number;
  readonly distinct: number;
  /** Generated items seen more than once, each further time counted. */
  readonly duplicates: number;
  /** Items above the tally's capacity: they are in `seen` only. */
  readonly beyond: number;
}

/**
 * Remembers which running numbers of which source were seen: one bit each, at most `maxPages` pages
 * of 64 KiB.
 */
export class Tally {
  readonly #pages = new Map<number, Uint8Array>();
  readonly #maxPages: number;
  #seen = 0;
  #distinct = 0;
  #beyond = 0;
  #lastKey = -1;
  #lastPage: Uint8Array | undefined;

  constructor(maxPages = 1_024) {
    this.#maxPages = maxPages;
  }

  add(source: number, number: number): void {
    this.#seen++;
    const page = this.#page(source, number);
    if (page === undefined) {
      this.#beyond++;
      return;
    }
    const bit = number % PAGE_NUMBERS;
    const mask = 1 << (bit & 7);
    const byte = page[bit >>> 3]!;
    if ((byte & mask) !== 0) return;
    page[bit >>> 3] = byte | mask;
    this.#distinct++;
  }

  has(source: number, number: number): boolean {
    const page = this.#pages.get(keyOf(source, number));
    const bit = number % PAGE_NUMBERS;
    return page !== undefined && (page[bit >>> 3]! & (1 << (bit & 7))) !== 0;
  }

  counts(): TallyCounts {
    const duplicates = this.#seen - this.#distinct - this.#beyond;
    return { seen: this.#seen, distinct: this.#distinct, duplicates, beyond: this.#beyond };
  }

  #page(source: number, number: number): Uint8Array | undefined {
    const key = keyOf(source, number);
    if (key === this.#lastKey) return this.#lastPage;
    let page = this.#pages.get(key);
    if (page === undefined && this.#pages.size < this.#maxPages) {
      page = new Uint8Array(PAGE_NUMBERS / 8);
      this.#pages.set(key, page);
    }
    this.#lastKey = key;
    this.#lastPage = page;
    return page;
  }
}

function keyOf(source: number, number: number): number {
  return source * 8_192 + Math.floor(number / PAGE_NUMBERS);
}
