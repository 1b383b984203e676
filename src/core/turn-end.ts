/** What has something to write, or to hand on. */
export interface Flushable {
  flush(): void;
}

/**
 * What is done once at the end of a turn of the loop, after all sockets that have something were
 * read: first what was read and not handed on yet, then work, which gives connections something to
 * say, then what they have to say, once for each, however many calls it is of. One immediate for
 * all: with one for each pool, listener and target, what a pool gave a connection was written a
 * turn later, and at a low rate that turn, with its own look at all sockets, is one of three or
 * four that a request takes. What comes up meanwhile is for the next turn.
 */
export class TurnEnd {
  readonly #reads = new Flushes();
  #work: (() => void)[] = [];
  readonly #writes = new Flushes();
  #isDue = false;
  readonly #defer: (run: () => void) => void;
  readonly #onEnd = (): void => this.#run();

  /** `defer`: runs it once, at the end of this turn, or of the next when it is one already. */
  constructor(defer: (run: () => void) => void) {
    this.#defer = defer;
  }

  /** Before all work: more of it may come of what was read. */
  read(flushable: Flushable): void {
    this.#reads.add(flushable);
    this.#wake();
  }

  /** Also as a function by itself. */
  readonly schedule = (run: () => void): void => {
    this.#work.push(run);
    this.#wake();
  };

  /**
   * Rather than with process.nextTick, after each socket that was read: a receiver would spend 7 %
   * more on a request and a sender 5 %, although the answer to what was read is all that there is
   * to write then.
   */
  flush(flushable: Flushable): void {
    this.#writes.add(flushable);
    this.#wake();
  }

  #wake(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#defer(this.#onEnd);
  }

  #run(): void {
    try {
      this.#reads.run();
      this.#runWork();
      this.#writes.run();
    } finally {
      this.#isDue = false;
      if (!this.#reads.isEmpty || this.#work.length > 0 || !this.#writes.isEmpty) this.#wake();
    }
  }

  #runWork(): void {
    const work = this.#work;
    this.#work = [];
    let done = 0;
    try {
      while (done < work.length) work[done++]!();
    } finally {
      if (done < work.length) this.#work = [...work.slice(done), ...this.#work]; // who throws ends no others
    }
  }
}

class Flushes {
  #list: Flushable[] = [];

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  add(flushable: Flushable): void {
    this.#list.push(flushable);
  }

  /** Those that are there; who throws ends no others. */
  run(): void {
    const flushes = this.#list;
    if (flushes.length === 0) return;
    this.#list = [];
    let done = 0;
    try {
      while (done < flushes.length) flushes[done++]!.flush();
    } finally {
      if (done < flushes.length) this.#list = [...flushes.slice(done), ...this.#list];
    }
  }
}

/** Of this process. */
export const turnEnd = new TurnEnd(setImmediate);
