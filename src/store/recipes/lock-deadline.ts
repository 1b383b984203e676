import { RouterError } from "../../core/errors.ts";
import { LONGEST_TIMER_MS, type Clock } from "../../core/clock.ts";

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * The signal, and after `timeoutMs` a `TIMED_OUT`. Throws a RangeError for what no timer counts.
 */
export function deadlineOf(clock: Clock, what: string, signal: AbortSignal, timeoutMs: number | undefined): Deadline {
  if (timeoutMs === undefined) return { signal, [Symbol.dispose]: () => undefined };
  if (!(timeoutMs >= 0 && timeoutMs <= LONGEST_TIMER_MS)) {
    throw new RangeError(`timeoutMs is ${timeoutMs}: milliseconds from 0 to ${LONGEST_TIMER_MS}`);
  }
  const over = new AbortController();
  const cancel = clock.after(timeoutMs, () => {
    over.abort(
      new RouterError("TIMED_OUT", `the ${what} was not to be had within ${timeoutMs} ms`, {
        hint: "look who holds it and who waits, or wait longer",
      }),
    );
  });
  return { signal: AbortSignal.any([signal, over.signal]), [Symbol.dispose]: cancel };
}
