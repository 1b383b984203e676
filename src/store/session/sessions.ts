import { type Cancel, type Clock, sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { Lease } from "../lease.ts";
import { CALL_DEADLINE_MS, SESSION_TTL_MS, type Session, type SessionLoss } from "../store.ts";
import type { SessionOptions, StoreFacts, StoreObserver, StoreSettings } from "../store.ts";
import { LeaseSession } from "./lease-session.ts";
import { beatEveryMs } from "./lease-step.ts";
import { type FromRenewal, fromMessage } from "./messages.ts";
import { momentOf } from "./moment.ts";
import type { OpenLink, RenewalLink, RenewalListener } from "./renewal-link.ts";
import { SessionCell } from "./session-cell.ts";

interface SessionsOptions {
  readonly clock: Clock;
  readonly observer: StoreObserver;
  readonly facts: StoreFacts;
  readonly settings: StoreSettings;
  readonly link: OpenLink;
}

/** Of a store, open at the same time: each is a lease, and some timers in two threads. */
export const MAX_SESSIONS = 1_000;

/** As Consul has it; timers do not count much further. */
const MAX_TTL_MS = 86_400_000;

/** What the end of one waits for its store, at most. */
export const CLOSE_MS = 5_000;
/** So much longer for the answer of who does it. */
const SLACK_MS = 500;
/** For connections to be closed. */
const LEAVE_MS = 2_000;

/** Ids of stores and of sessions in this process. */
let lastId = 0;

/** The sessions of one store: this thread's end of them all. */
export class Sessions implements AsyncDisposable {
  readonly #options: SessionsOptions;
  readonly #store = ++lastId;
  readonly #held = new Map<number, HeldSession>();
  readonly #listener: RenewalListener = {
    receive: (message) => this.#receive(message),
    died: (reason) => this.#died(reason),
  };
  #link: RenewalLink | undefined;
  #left = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** As `Store.openSession`. */
  async open(options: SessionOptions): Promise<Session> {
    const { ttlMs: askedMs = SESSION_TTL_MS, signal, deadlineMs = CALL_DEADLINE_MS } = options;
    signal.throwIfAborted();
    this.#refuse(askedMs);
    const { settings, facts, link } = this.#options;
    const ttlMs = Math.max(askedMs, facts.minTtlMs);
    const id = ++lastId;
    const held = new HeldSession();
    this.#held.set(id, held);
    const stopBeats = this.#beatUntilOpen(held.cell, ttlMs);
    try {
      this.#link ??= link(this.#store, this.#listener);
      const { memory } = held.cell;
      this.#link.send({ kind: "open", id, store: this.#store, settings, ttlMs, deadlineMs, memory });
      const late = (): Error => new RouterError("STORE_UNREACHABLE", `no session within ${deadlineMs} ms`);
      return this.#begin(id, held, await this.#within(held.opened.promise, { signal, deadlineMs, late }));
    } catch (cause) {
      void this.#release(id);
      throw cause;
    } finally {
      stopBeats();
    }
  }

  /** Closes those that are open. Does not throw. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#held].map(([id, { session }]) => session?.close() ?? this.#release(id)));
    const link = this.#link;
    if (link === undefined) return;
    link.send({ kind: "leave", store: this.#store });
    await this.#atMost(this.#left.promise, LEAVE_MS);
    await link[Symbol.asyncDispose]();
  }

  #refuse(ttlMs: number): void {
    if (this.#isClosed) throw new RouterError("STORE_UNREACHABLE", "the store is closed");
    if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) {
      throw new RouterError("STORE_REFUSED", `a session of ${ttlMs} ms`, {
        hint: `ttlMs is a number above 0, and at most ${MAX_TTL_MS}: a day`,
      });
    }
    if (this.#held.size < MAX_SESSIONS) return;
    throw new RouterError("STORE_REFUSED", `${MAX_SESSIONS} sessions are open`, {
      hint: "close those that are not needed; one session can hold many keys",
    });
  }

  #begin(id: number, held: HeldSession, lease: Lease): LeaseSession {
    const { clock } = this.#options;
    const over = (why: SessionLoss | undefined): void => this.#over(id, why);
    const session = new LeaseSession({ clock, cell: held.cell, lease, over, close: () => this.#release(id) });
    if (session.lost.aborted) throw new RouterError("STORE_UNREACHABLE", "the session was over before it was open");
    held.session = session;
    return session;
  }

  #over(id: number, why: SessionLoss | undefined): void {
    if (why !== undefined) this.#options.observer.sessionLost(why);
    void this.#release(id);
  }

  #receive(message: FromRenewal): void {
    const { observer } = this.#options;
    if (message.kind === "called") return observer.called(message.operation, message.outcome, message.tookMs);
    if (message.kind === "said") return observer.said?.(message.text);
    if (message.kind === "left") return this.#left.resolve();
    const held = this.#held.get(message.id);
    switch (message.kind) {
      case "opened":
        return held?.opened.resolve(message.lease);
      case "refused":
        return held?.opened.reject(fromMessage(message.error));
      case "renewed":
        return observer.renewed(message.marginMs);
      case "lost":
        return held?.session?.lose(message.why, message.reason);
      case "closed":
        return held?.closed.resolve();
      default:
        return message satisfies never;
    }
  }

  #died(reason: string): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    this.#link = undefined;
    this.#left.resolve();
    const what = `the thread that renews sessions has ended: ${reason}`;
    for (const { opened, closed, session } of held) {
      opened.reject(new RouterError("STORE_UNREACHABLE", what, { hint: "open another one" }));
      closed.resolve();
      session?.lose("thread_died", what);
    }
  }

  /** Ends it in the store, and forgets it; once. */
  #release(id: number): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return Promise.resolve();
    held.released ??= this.#end(id, held);
    return held.released;
  }

  async #end(id: number, { closed }: HeldSession): Promise<void> {
    this.#link?.send({ kind: "close", id, deadlineMs: CLOSE_MS });
    await this.#atMost(closed.promise, CLOSE_MS + SLACK_MS);
    this.#held.delete(id);
  }

  /** The holder's loop turns, and its session is not given up while the store is asked for it. */
  #beatUntilOpen(cell: SessionCell, ttlMs: number): Cancel {
    const { clock } = this.#options;
    let cancel: Cancel | undefined;
    const beat = (): void => {
      cell.beat(momentOf(clock));
      cancel = clock.after(beatEveryMs(ttlMs), beat);
    };
    beat();
    return () => cancel?.();
  }

  async #within<T>(promise: Promise<T>, { signal, deadlineMs, late }: WithinOptions): Promise<T> {
    const done = new AbortController();
    const ends = sleep(this.#options.clock, deadlineMs, AbortSignal.any([signal, done.signal]));
    try {
      return await Promise.race([promise, ends.then(() => Promise.reject(late()))]);
    } finally {
      done.abort();
    }
  }

  async #atMost(promise: Promise<void>, deadlineMs: number): Promise<void> {
    const { signal } = new AbortController();
    await this.#within(promise, { signal, deadlineMs, late: () => new Error("late") }).catch(() => undefined);
  }
}

interface WithinOptions {
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly late: () => Error;
}

/** From the call to open it until it has ended in the store. */
class HeldSession {
  readonly cell = new SessionCell();
  readonly opened = Promise.withResolvers<Lease>();
  readonly closed = Promise.withResolvers<void>();
  session: LeaseSession | undefined;
  released: Promise<void> | undefined;

  constructor() {
    this.opened.promise.catch(() => undefined); // who opens it may have given up
  }
}
