import type { Cancel, Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";

/** For calls that together may take so long; disposing it before is what usually happens. */
export class StoreDeadline implements Disposable {
  readonly #late = new AbortController();
  readonly #cancel: Cancel;

  constructor(clock: Clock, ms: number) {
    this.#cancel = clock.after(ms, () => {
      this.#late.abort(new RouterError("STORE_UNREACHABLE", `the store did not answer within ${ms / 1_000} s`));
    });
  }

  get signal(): AbortSignal {
    return this.#late.signal;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}
