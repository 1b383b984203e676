import type { Cancel, Clock } from "../../core/clock.ts";

/** That something may be different, however often it was said. */
export class ChangeSignal {
  readonly #signal: AbortSignal;
  #isNew = false;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Never rejects. */
  async follow(states: AsyncIterable<unknown>): Promise<void> {
    try {
      for await (const _ of states) {
        this.#isNew = true;
        this.#wake();
      }
    } catch {
      this.#wake(); // the store was closed
    }
  }

  /** All until now is looked at. */
  seen(): void {
    this.#isNew = false;
  }

  /** So long at most, where that is said. */
  async next(atMost?: { readonly clock: Clock; readonly ms: number }): Promise<void> {
    if (this.#isNew || this.#signal.aborted) return;
    let cancel: Cancel | undefined;
    await new Promise<void>((wake) => {
      this.#wake = wake;
      cancel = atMost?.clock.after(atMost.ms, wake);
    });
    cancel?.();
  }
}
