/**
 * Numbers 0 to size - 1 in the order of their keys, the lowest on top; equal keys in the order of
 * the numbers.
 */
export class IndexHeap {
  readonly #keys: Float64Array;
  readonly #heap: Int32Array;
  /** Where in the heap each number is; -1: it is not in. */
  readonly #places: Int32Array;
  #length = 0;

  constructor(size: number) {
    this.#keys = new Float64Array(size);
    this.#heap = new Int32Array(size);
    this.#places = new Int32Array(size).fill(-1);
  }

  copy(): IndexHeap {
    const copy = new IndexHeap(this.#keys.length);
    copy.#keys.set(this.#keys);
    copy.#heap.set(this.#heap);
    copy.#places.set(this.#places);
    copy.#length = this.#length;
    return copy;
  }

  get length(): number {
    return this.#length;
  }

  /** The number with the lowest key; -1 when there is none. */
  get top(): number {
    return this.#length === 0 ? -1 : this.#heap[0]!;
  }

  has(index: number): boolean {
    return this.#places[index]! >= 0;
  }

  /** The last key that it had in the heap. */
  keyOf(index: number): number {
    return this.#keys[index]!;
  }

  /** Puts it in, or moves it. O(log n). */
  set(index: number, key: number): void {
    const place = this.#places[index]!;
    if (place < 0) {
      this.#keys[index] = key;
      this.#rise(this.#length++, index);
      return;
    }
    const before = this.#keys[index]!;
    this.#keys[index] = key;
    if (key < before) this.#rise(place, index);
    else if (key > before) this.#sink(place, index);
  }

  /** Takes it out, if it is in. O(log n). */
  remove(index: number): void {
    const place = this.#places[index]!;
    if (place < 0) return;
    this.#places[index] = -1;
    const last = this.#heap[--this.#length]!;
    if (last === index) return;
    this.#rise(place, last);
    this.#sink(this.#places[last]!, last);
  }

  #rise(from: number, index: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent]!;
      if (!this.#before(index, above)) break;
      this.#put(place, above);
      place = parent;
    }
    this.#put(place, index);
  }

  #sink(from: number, index: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#length) break;
      if (child + 1 < this.#length && this.#before(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      const below = this.#heap[child]!;
      if (!this.#before(below, index)) break;
      this.#put(place, below);
      place = child;
    }
    this.#put(place, index);
  }

  #put(place: number, index: number): void {
    this.#heap[place] = index;
    this.#places[index] = place;
  }

  #before(one: number, other: number): boolean {
    const a = this.#keys[one]!;
    const b = this.#keys[other]!;
    return a < b || (a === b && one < other);
  }
}
