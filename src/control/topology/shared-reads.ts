import type { Cancel, Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";

interface SharedReadsOptions {
  readonly clock: Clock;
  /** So long an answer is good for whoever asks the same. */
  readonly freshMs: number;
  /** What has not been answered by then is ended. */
  readonly longestMs: number;
  /** Answers that are kept. */
  readonly most: number;
}

interface SharedRead<T> {
  readonly answer: Promise<T>;
  readonly over: AbortController;
  waiting: number;
  /** Undefined: it is under way. */
  endedMs: number | undefined;
}

/** Whoever asks what others ask at the moment, or have just asked, gets the same answer. */
export class SharedReads<T> {
  readonly #options: SharedReadsOptions;
  readonly #flights = new Map<string, SharedRead<T>>();

  constructor(options: SharedReadsOptions) {
    this.#options = options;
  }

  /**
   * `ask` is ended when nobody waits for it any more. Throws as it does, or the signal's reason.
   */
  async read(key: string, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#fresh(key) ?? this.#begin(key, ask);
    flight.waiting++;
    const left = Promise.withResolvers<never>();
    const onAbort = (): void => left.reject(reasonOf(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([flight.answer, left.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      flight.waiting--;
      if (flight.waiting === 0 && flight.endedMs === undefined) {
        this.#forget(key, flight);
        flight.over.abort(new RouterError("INTERRUPTED", "nobody waits for it any more"));
      }
    }
  }

  #fresh(key: string): SharedRead<T> | undefined {
    const { clock, freshMs } = this.#options;
    const flight = this.#flights.get(key);
    return flight?.endedMs === undefined || clock.nowMs() - flight.endedMs < freshMs ? flight : undefined;
  }

  #begin(key: string, ask: (signal: AbortSignal) => Promise<T>): SharedRead<T> {
    const { clock, longestMs } = this.#options;
    const over = new AbortController();
    const cancel = clock.after(longestMs, () => over.abort(new RouterError("TIMED_OUT", "it takes too long")));
    const flight: SharedRead<T> = { answer: ask(over.signal), over, waiting: 0, endedMs: undefined };
    void this.#end(key, flight, cancel);
    this.#flights.delete(key);
    this.#flights.set(key, flight);
    for (const [oldest, { endedMs }] of this.#flights) {
      if (this.#flights.size <= this.#options.most) break;
      if (endedMs !== undefined) this.#flights.delete(oldest);
    }
    return flight;
  }

  async #end(key: string, flight: SharedRead<T>, cancel: Cancel): Promise<void> {
    try {
      await flight.answer;
      flight.endedMs = this.#options.clock.nowMs();
    } catch {
      this.#forget(key, flight); // whoever asks next may have more luck
    } finally {
      cancel();
    }
  }

  #forget(key: string, flight: SharedRead<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
