import type { Cancel, Clock } from "../../core/clock.ts";
import { keepWatching } from "../region/keep-watching.ts";

/** That something may be different, however often it was said. */
export class ChangeSignal {
  readonly #signal: AbortSignal;
  #isNew = false;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** To the end of the signal; what the store refuses is watched again. Never rejects. */
  async follow(clock: Clock, watch: () => AsyncIterable<unknown>): Promise<void> {
    const tell = (): void => {
      this.#isNew = true;
      this.#wake();
    };
    await keepWatching({
      clock,
      signal: this.#signal,
      watch: async () => {
        for await (const _ of watch()) tell();
      },
      refused: tell, // whoever looks finds out why
    });
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
