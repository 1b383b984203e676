/** A heap that is empty gives back what it had for more than so many. */
const KEPT = 1_024;
const LEAST_ROOM = 4;

/**
 * Numbers from 0 on in the order of their keys, the lowest on top; equal keys in the order that
 * each came in with, which by default is that of the numbers.
 */
export class IndexHeap {
  #keys: Float64Array;
  #orders: Float64Array;
  #heap: Int32Array;
  /** Where in the heap each number is; -1: it is not in. */
  #places: Int32Array;
  #length = 0;

  /** For numbers below `size`. */
  constructor(size: number) {
    this.#keys = new Float64Array(size);
    this.#orders = new Float64Array(size);
    this.#heap = new Int32Array(size);
    this.#places = new Int32Array(size).fill(-1);
  }

  copy(): IndexHeap {
    const copy = new IndexHeap(0);
    copy.#keys = this.#keys.slice();
    copy.#orders = this.#orders.slice();
    copy.#heap = this.#heap.slice();
    copy.#places = this.#places.slice();
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

  /** From now on for numbers below `size`, which is no less than before. */
  grow(size: number): void {
    const grown = new IndexHeap(size);
    grown.#keys.set(this.#keys);
    grown.#orders.set(this.#orders);
    grown.#heap.set(this.#heap);
    grown.#places.set(this.#places);
    this.#keys = grown.#keys;
    this.#orders = grown.#orders;
    this.#heap = grown.#heap;
    this.#places = grown.#places;
  }

  /** Puts it in, or moves it: then it keeps its order. O(log n). */
  set(index: number, key: number, order = index): void {
    const place = this.#places[index]!;
    if (place < 0) {
      this.#keys[index] = key;
      this.#orders[index] = order;
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
    return a < b || (a === b && this.#orders[one]! < this.#orders[other]!);
  }
}

/** What can be in a heap: in one at a time. */
export interface HeapItem {
  /** Its number there, -1 while it is in none. Belongs to the heap. */
  heapIndex: number;
}

/** Things in the order of their keys, the lowest first; equal keys in the order they came in. */
export class Heap<T extends HeapItem> {
  #order = new IndexHeap(0);
  /** By their numbers. */
  #items: (T | undefined)[] = [];
  /** Numbers that nothing has. */
  #free: number[] = [];
  /** Numbers are below this. */
  #room = 0;
  #came = 0;

  get size(): number {
    return this.#order.length;
  }

  get first(): T | undefined {
    const { top } = this.#order;
    return top < 0 ? undefined : this.#items[top];
  }

  /** Infinity when there is nothing. */
  get firstKey(): number {
    const { top } = this.#order;
    return top < 0 ? Number.POSITIVE_INFINITY : this.#order.keyOf(top);
  }

  /** Puts it in, or moves it. */
  set(item: T, key: number): void {
    if (item.heapIndex < 0) item.heapIndex = this.#numberFor(item);
    this.#order.set(item.heapIndex, key, this.#came++);
  }

  /** False: it was not there, or is in another one. */
  remove(item: T): boolean {
    const index = item.heapIndex;
    if (index < 0 || this.#items[index] !== item) return false;
    item.heapIndex = -1;
    this.#order.remove(index);
    this.#items[index] = undefined;
    this.#free.push(index);
    if (this.#order.length === 0 && this.#items.length > KEPT) this.#giveBack();
    return true;
  }

  /**
   * Each that is there at the beginning and not taken out before its turn, in no order, whatever is
   * taken out or put in meanwhile.
   */
  *[Symbol.iterator](): Generator<T, void, void> {
    for (let index = this.#items.length - 1; index >= 0; index--) {
      const item = this.#items[index];
      if (item !== undefined) yield item;
    }
  }

  #numberFor(item: T): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#items[free] = item;
      return free;
    }
    const index = this.#items.length;
    this.#items.push(item);
    if (index >= this.#room) {
      this.#room = Math.max(LEAST_ROOM, 2 * index);
      this.#order.grow(this.#room);
    }
    return index;
  }

  #giveBack(): void {
    this.#order = new IndexHeap(0);
    this.#room = 0;
    this.#items = [];
    this.#free = [];
  }
}
