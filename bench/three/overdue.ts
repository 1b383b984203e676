import { type Cancel, systemClock } from "../../src/core/clock.ts";

/** Ends the process with 1 when it takes too long, and says what it was that did not end. */
export class Overdue implements Disposable {
  doing = "the nodes start";
  readonly #cancel: Cancel;

  constructor(longestMs: number) {
    this.#cancel = systemClock.after(longestMs, () => {
      process.stderr.write(`not ended after ${longestMs / 1_000} s: ${this.doing}\n`);
      process.exit(1);
    });
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}
