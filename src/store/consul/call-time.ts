import type { Clock } from "../../core/clock.ts";
import { CALL_DEADLINE_MS, type CallOptions } from "../store.ts";

/** How long a call may still take, whatever it has to ask for in that time. */
export class CallTime {
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly #clock: Clock;
  readonly #endsMs: number;

  constructor({ signal, deadlineMs = CALL_DEADLINE_MS }: CallOptions, clock: Clock) {
    this.signal = signal;
    this.deadlineMs = deadlineMs;
    this.#clock = clock;
    this.#endsMs = clock.nowMs() + deadlineMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#endsMs - this.#clock.nowMs());
  }

  /** For a part of the call that is given options of its own. */
  get options(): CallOptions {
    return { signal: this.signal, deadlineMs: this.leftMs };
  }
}
