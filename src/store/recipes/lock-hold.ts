import { reasonOf, RouterError } from "../../core/errors.ts";
import type { CallOptions, Revision, Session, Txn, TxnOutcome, WatchEvent } from "../store.ts";
import { stateIn } from "./lock-entry.ts";
import { leave } from "./lock-leave.ts";
import type { RecipePlace } from "./place.ts";

/** Something that one holder at a time has, and how long it may believe so. */
export interface Held extends AsyncDisposable {
  /**
   * The fencing token: greater than that of any earlier holder of the same name in the same store.
   * What is done outside the store carries it, and whoever has seen a greater one refuses it.
   */
  readonly epoch: Revision;
  /** Work done in the holder's name takes this signal. It fires on loss, and on giving back. */
  readonly lost: AbortSignal;
  /**
   * Milliseconds that nobody else can have it for, by the clocks as they are now; 0 once it is
   * lost. To be asked right before anything outside the store is done: timers of a process that
   * stood still are late.
   */
  validForMs(): number;
  /**
   * Carries the transaction out if the holder still holds, which is compared in the same
   * transaction; else throws `NOT_OWNER`, and nothing was written. Takes one of its operations.
   */
  guarded(txn: Txn, options: CallOptions): Promise<TxnOutcome>;
}

interface HoldParts {
  readonly place: RecipePlace;
  /** For people: `lock "nightly"`. */
  readonly what: string;
  readonly session: Session;
  readonly key: string;
  readonly epoch: Revision;
}

/** A key that its session holds: it is watched, and once it is another's or gone, that is loss. */
export class KeyHold implements Held {
  readonly key: string;
  readonly epoch: Revision;
  readonly session: Session;
  readonly #parts: HoldParts;
  readonly #lost = new AbortController();
  readonly #onSessionLost = (): void => this.#lose(reasonOf(this.session.lost.reason));
  #leaving: Promise<void> | undefined;

  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.key = parts.key;
    this.epoch = parts.epoch;
    this.session = parts.session;
    parts.place.observer?.held?.(parts.what, parts.epoch);
    if (this.session.lost.aborted) this.#onSessionLost();
    else this.session.lost.addEventListener("abort", this.#onSessionLost, { once: true });
    void this.#watch();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  validForMs(): number {
    return this.lost.aborted ? 0 : this.session.validForMs();
  }

  async guarded(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    if (this.validForMs() <= 0) {
      this.#lose("its session was not renewed in time");
      throw this.#notOwner();
    }
    const { key, epoch } = this;
    const outcome = await this.#send(
      {
        if: [{ kind: "created", key, revision: epoch }, ...txn.if],
        then: txn.then,
        else: [key, ...(txn.else ?? [])],
      },
      options,
    );
    if (outcome.done) return outcome;
    const [own, ...entries] = outcome.entries;
    if (own?.created === epoch) return { done: false, entries };
    this.#lose("its key is not there any more");
    throw this.#notOwner();
  }

  /**
   * Gives it back: `lost` fires first. Does not throw. Resolves when the store knows, or when it
   * could not be told at once: then that goes on until the session has ended.
   */
  release(): Promise<void> {
    this.#lose("it was given back");
    return this.#leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #send(txn: Txn, options: CallOptions): Promise<TxnOutcome> {
    try {
      return await this.#parts.place.store.txn(txn, options);
    } catch (cause) {
      const isOurs = txn.then.some((write) => write.kind === "put" && write.session === this.session.id);
      if (!isOurs || !(cause instanceof RouterError) || cause.code !== "SESSION_LOST") throw cause;
      this.#lose(reasonOf(cause));
      throw this.#notOwner();
    }
  }

  #lose(why: string): void {
    if (this.lost.aborted) return;
    this.session.lost.removeEventListener("abort", this.#onSessionLost);
    this.#parts.place.observer?.heldNoMore?.(this.#parts.what, this.epoch);
    this.#lost.abort(new RouterError("NOT_OWNER", `the ${this.#parts.what} is not held any more: ${why}`));
    void this.#leave();
  }

  /** Also after a loss: nothing is to renew the session, and the key is not to outlive it. */
  #leave(): Promise<void> {
    const { place, session, key, epoch } = this.#parts;
    this.#leaving ??= leave({ place, session, keys: [{ key, created: epoch }] });
    return this.#leaving;
  }

  #notOwner(): RouterError {
    const { what } = this.#parts;
    return new RouterError("NOT_OWNER", `nothing was written: ${reasonOf(this.lost.reason)}`, {
      hint: `stop what is done under the ${what}, and ask for it again`,
    });
  }

  async #watch(): Promise<void> {
    try {
      for await (const event of this.#parts.place.store.watch(this.key, { signal: this.lost })) this.#see(event);
    } catch (cause) {
      this.#lose(`its key cannot be watched: ${reasonOf(cause)}`);
    }
  }

  #see(event: WatchEvent): void {
    const state = stateIn(event, this.key);
    if (state === undefined) return;
    const { entry } = state;
    if (entry?.created === this.epoch && entry.session === this.session.id) return;
    // A snapshot may be of a time before the key was there.
    const isOld = event.kind === "snapshot" && event.revision < this.epoch;
    if (!isOld) this.#lose(entry === undefined ? "its key is gone" : "its key is another's");
  }
}
