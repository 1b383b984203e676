/** Means over regular steps of time, of values that come whenever they come. */
export class GridMeans {
  readonly #stepMs: number;
  readonly #tell: (step: number, mean: number) => void;
  #step: number | undefined;
  #sum = 0;
  #count = 0;

  /** Told of each step when it is over; those in which nothing came are left out. */
  constructor(stepMs: number, tell: (step: number, mean: number) => void) {
    this.#stepMs = stepMs;
    this.#tell = tell;
  }

  /** Times of a monotonic clock; a value of a step that is over counts to the one that is not. */
  add(atMs: number, value: number): void {
    const step = Math.floor(atMs / this.#stepMs);
    if (this.#step !== undefined && step > this.#step) this.end();
    this.#step = Math.max(this.#step ?? step, step);
    this.#sum += value;
    this.#count++;
  }

  /** The step that is not over yet is told as it is. */
  end(): void {
    if (this.#step !== undefined && this.#count > 0) this.#tell(this.#step, this.#sum / this.#count);
    [this.#sum, this.#count] = [0, 0];
  }
}
