/** So many calls at once, whoever makes them; the others wait in the order in which they came. */
export class AtMost {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Of whoever does not come to it before the signal says so: `otherwise`. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>, otherwise: T): Promise<T> {
    if (!(await this.#turn(signal))) return otherwise;
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#underWay--;
      else next(); // it takes this one's place
    }
  }

  async #turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#underWay < this.#most) {
      this.#underWay++;
      return true;
    }
    return await new Promise<boolean>((resolve) => {
      const end = (isTurn: boolean): void => {
        this.#waiting.delete(begin);
        signal.removeEventListener("abort", leave);
        resolve(isTurn);
      };
      const begin = (): void => end(true);
      const leave = (): void => end(false);
      this.#waiting.add(begin);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
