/**
 * A queue with two ends on a ring: nothing is ever moved, however long it is. Bounded by whoever
 * fills it.
 */
export class Deque<T> {
  #slots: (T | undefined)[] = Array.from({ length: 16 });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  peek(): T | undefined {
    return this.#slots[this.#head];
  }

  /** The one with so many before it. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#slots[(this.#head + index) & (this.#slots.length - 1)] : undefined;
  }

  push(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length++) & (this.#slots.length - 1)] = value;
  }

  unshift(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = value;
    this.#length++;
  }

  shift(): T | undefined {
    const value = this.#slots[this.#head];
    if (this.#length === 0) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    return value;
  }

  /**
   * Drops what `test` is false for; the others keep their order. `test` must not touch the queue.
   */
  keep(test: (value: T) => boolean): void {
    const mask = this.#slots.length - 1;
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const value = this.#slots[(this.#head + i) & mask]!;
      if (test(value)) this.#slots[(this.#head + kept++) & mask] = value;
    }
    for (let i = kept; i < this.#length; i++) this.#slots[(this.#head + i) & mask] = undefined;
    this.#length = kept;
  }

  #grow(): void {
    const wider = Array.from<T | undefined>({ length: this.#slots.length * 2 });
    for (let i = 0; i < this.#length; i++) wider[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = wider;
    this.#head = 0;
  }
}
