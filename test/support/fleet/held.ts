import { RouterError } from "../../../src/core/errors.ts";
import type { Held } from "../../../src/store/recipes/lock-hold.ts";
import type { Store } from "../../../src/store/store.ts";

/** A leadership that is a test's to end. */
export interface TestHeld extends Held {
  /** It leads no more, and knows. */
  lose(): void;
  /** As a process that stood still finds it: its clocks say so, and nobody has told it yet. */
  leftMs: number;
  /** Transactions that were guarded by it. */
  writes: number;
}

export function testHeld(store: Store, epoch = 7n): TestHeld {
  const lost = new AbortController();
  return {
    epoch,
    lost: lost.signal,
    leftMs: 10_000,
    writes: 0,
    lose: () => lost.abort(new RouterError("NOT_OWNER", "the test has ended it")),
    validForMs() {
      return lost.signal.aborted ? 0 : this.leftMs;
    },
    async guarded(txn, options) {
      if (this.validForMs() <= 0) throw new RouterError("NOT_OWNER", "nothing was written");
      this.writes++;
      return await store.txn(txn, options);
    },
    async [Symbol.asyncDispose]() {
      lost.abort(new RouterError("NOT_OWNER", "it was given back"));
    },
  };
}
