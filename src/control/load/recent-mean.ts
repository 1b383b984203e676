/** A mean in which older values fade; the plain mean of the first ones. */
export class RecentMean {
  readonly #gain: number;
  #mean = 0;
  #count = 0;

  /** What a new value weighs; 0.02 is a memory of some 50 values. */
  constructor(gain: number) {
    this.#gain = gain;
  }

  add(value: number): void {
    this.#count++;
    this.#mean += (value - this.#mean) * Math.max(this.#gain, 1 / this.#count);
  }

  /** 0 before the first value. */
  get mean(): number {
    return this.#mean;
  }

  get count(): number {
    return this.#count;
  }
}
