import type { Cancel, Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { Lease } from "../lease.ts";
import type { Session, SessionLoss } from "../store.ts";
import { beatEveryMs } from "./lease-step.ts";
import { momentOf } from "./moment.ts";
import type { SessionCell } from "./session-cell.ts";

interface LeaseSessionOptions {
  readonly clock: Clock;
  readonly cell: SessionCell;
  readonly lease: Lease;
  /** Called once, when it is closed or lost (`why`), before `lost` fires. */
  readonly over: (why: SessionLoss | undefined) => void;
  /** Ends it in the store within a bound; does not throw. */
  readonly close: () => Promise<void>;
}

/** The holder's end of a session: beats, looks at its deadline, and reads it from the cell. */
export class LeaseSession implements Session {
  readonly id: string;
  readonly ttlMs: number;
  readonly #options: LeaseSessionOptions;
  readonly #lost = new AbortController();
  #cancelBeat: Cancel | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LeaseSessionOptions) {
    this.#options = options;
    this.id = options.lease.id;
    this.ttlMs = options.lease.ttlMs;
    this.#beat();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  validForMs(): number {
    if (this.#lost.signal.aborted) return 0;
    const { clock, cell } = this.#options;
    const now = momentOf(clock);
    const validForMs = cell.validForMs(now, this.ttlMs);
    if (validForMs > 0) return validForMs;
    this.lose(cell.lossAt(now, this.ttlMs));
    return 0;
  }

  /** For what the thread that renews says, too. */
  lose(why: SessionLoss, reason: string = REASONS[why]): void {
    if (this.#lost.signal.aborted) return;
    const error = new RouterError("SESSION_LOST", `session ${this.id} is lost: ${reason}`, { hint: HINTS[why] });
    this.#end(why, error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (!this.#lost.signal.aborted) {
      this.#end(undefined, new RouterError("SESSION_LOST", `session ${this.id} was closed`));
    }
    await this.#options.close();
  }

  #end(why: SessionLoss | undefined, error: RouterError): void {
    this.#cancelBeat?.();
    this.#options.over(why);
    this.#lost.abort(error);
  }

  /** First whether it is lost: a loop that stood still for too long must not say that it turns. */
  #beat(): void {
    const validForMs = this.validForMs();
    if (validForMs === 0) return;
    const { clock, cell } = this.#options;
    cell.beat(momentOf(clock));
    const nextMs = Math.min(validForMs, beatEveryMs(this.ttlMs));
    this.#cancelBeat = clock.after(Math.ceil(nextMs), () => this.#beat());
  }
}

const REASONS: Readonly<Record<SessionLoss, string>> = {
  ended: "the store says that it has ended",
  unanswered: "no renewal was answered in time",
  stalled: "the process stood still for longer than its TTL",
  thread_died: "the thread that renewed it has ended",
};

const HINTS: Readonly<Record<SessionLoss, string>> = {
  ended: "open another one; somebody may have ended it, or the store could not be reached for its TTL",
  unanswered: "look at the store and the way to it; a longer TTL bridges longer outages",
  stalled: "find what holds up the event loop, or choose a TTL that is longer than that",
  thread_died: "open another one, which starts another thread",
};
