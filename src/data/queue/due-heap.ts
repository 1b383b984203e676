/**
 * What waits for its time: a binary heap by `dueMs`; equal times come out in the order they went
 * in.
 */
export class DueHeap<T> {
  readonly #entries: { readonly dueMs: number; readonly order: number; readonly value: T }[] = [];
  #order = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** When the first is due; Infinity when nothing waits. */
  get nextMs(): number {
    return this.#entries[0]?.dueMs ?? Infinity;
  }

  /** The first, due or not; it stays. */
  get first(): T | undefined {
    return this.#entries[0]?.value;
  }

  /** In no order but that of the heap, for whoever looks at all. */
  at(index: number): T | undefined {
    return this.#entries[index]?.value;
  }

  push(dueMs: number, value: T): void {
    const entries = this.#entries;
    entries.push({ dueMs, order: this.#order++, value });
    this.#rise(entries.length - 1);
  }

  /** The first, when it is due by `nowMs`. */
  popDue(nowMs: number): T | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = this.#entries.pop()!;
    if (this.#entries.length > 0) {
      this.#entries[0] = last;
      this.#sink(0);
    }
    return first.value;
  }

  /** Takes one out before its time. False when it is not in here any more. Looks at all. */
  remove(value: T): boolean {
    const entries = this.#entries;
    const at = entries.findIndex((entry) => entry.value === value);
    if (at < 0) return false;
    const last = entries.pop()!;
    if (at === entries.length) return true;
    entries[at] = last;
    this.#rise(at);
    this.#sink(at);
    return true;
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#exchange(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    const entries = this.#entries;
    for (let at = from; ; ) {
      let least = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2; child++) {
        if (child < entries.length && this.#before(child, least)) least = child;
      }
      if (least === at) return;
      this.#exchange(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const x = this.#entries[a]!;
    const y = this.#entries[b]!;
    return x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.order < y.order);
  }

  #exchange(a: number, b: number): void {
    const entry = this.#entries[a]!;
    this.#entries[a] = this.#entries[b]!;
    this.#entries[b] = entry;
  }
}
