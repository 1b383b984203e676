/** The last so many of anything, oldest first. */
export class LoadHistory<Entry> {
  readonly #entries: Entry[] = [];
  readonly #size: number;
  /** Where the next one goes, once it is full. */
  #at = 0;

  constructor(size: number) {
    this.#size = Math.max(1, Math.floor(size));
  }

  add(entry: Entry): void {
    if (this.#entries.length < this.#size) {
      this.#entries.push(entry);
      return;
    }
    this.#entries[this.#at] = entry;
    this.#at = (this.#at + 1) % this.#size;
  }

  get length(): number {
    return this.#entries.length;
  }

  get newest(): Entry | undefined {
    return this.#entries[(this.#at + this.#entries.length - 1) % this.#entries.length];
  }

  /** A copy: of the newest so many, or of all. */
  list(most = this.#size): readonly Entry[] {
    const all = [...this.#entries.slice(this.#at), ...this.#entries.slice(0, this.#at)];
    return all.slice(Math.max(0, all.length - most));
  }
}
