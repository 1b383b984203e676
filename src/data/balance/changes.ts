import type { TargetSource } from "./target-source.ts";

/**
 * Which targets told of a change since they were last looked at. A target is listened to from one
 * refresh to its next change only, so that pools that nobody uses cost nothing, and what is dropped
 * is forgotten without being closed.
 */
export class Changes {
  readonly #targets: readonly TargetSource[];
  readonly #listeners: readonly (() => void)[];
  readonly #cancels: ((() => void) | undefined)[];
  readonly #marked: Uint8Array;
  readonly #waiting: Int32Array;
  #count: number;

  /** At first all have changed. */
  constructor(targets: readonly TargetSource[]) {
    this.#targets = targets;
    this.#listeners = targets.map((_, i) => () => this.#told(i));
    this.#cancels = targets.map(() => undefined);
    this.#marked = new Uint8Array(targets.length).fill(1);
    this.#waiting = Int32Array.from(targets, (_, i) => targets.length - 1 - i);
    this.#count = targets.length;
  }

  /** One that has changed, which is looked at now; -1 when there is none. */
  take(): number {
    if (this.#count === 0) return -1;
    const index = this.#waiting[--this.#count]!;
    this.#marked[index] = 0;
    this.#cancels[index] ??= this.#targets[index]!.onChange(this.#listeners[index]!);
    return index;
  }

  /** What `take` would give, one after the other, while it is not asked. */
  get waiting(): Int32Array {
    return this.#waiting.subarray(0, this.#count).toReversed();
  }

  #told(index: number): void {
    if (this.#marked[index] === 0) {
      this.#marked[index] = 1;
      this.#waiting[this.#count++] = index;
    }
    this.#cancels[index]?.();
    this.#cancels[index] = undefined;
  }
}
