/** How fast counters grow, over the last `windowMs`. Holds the samples of that time only. */
export class Rates {
  readonly #windowMs: number;
  readonly #samples: { readonly atMs: number; readonly counts: ReadonlyMap<string, number> }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(atMs: number, counts: ReadonlyMap<string, number>): void {
    this.#samples.push({ atMs, counts });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= this.#windowMs) this.#samples.shift();
  }

  /** 0 before the second sample. */
  perSecond(key: string): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return (((last.counts.get(key) ?? 0) - (first.counts.get(key) ?? 0)) / (last.atMs - first.atMs)) * 1_000;
  }
}
