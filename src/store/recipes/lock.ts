import { LONGEST_TIMER_MS, type Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { Contest } from "./lock-contest.ts";
import { contend, contendOnce } from "./lock-contend.ts";
import { checkedHolder, holderOf, seatFolder } from "./lock-entry.ts";
import type { Held } from "./lock-hold.ts";
import type { RecipePlace } from "./place.ts";

/**
 * A lock by name, for those who share a store and a prefix. Whoever asked first gets it first,
 * where the store's `facts.isFair`. A lock cannot stop a process that stands still from going on
 * later: its `epoch`, `guarded` and `validForMs` are there for that.
 */
export interface Lock {
  readonly name: string;
  /**
   * Waits for it, also while the store cannot be reached. Throws `TIMED_OUT`, the signal's reason,
   * or `STORE_REFUSED`; nothing of ours is left in the store then, or will be when it is back.
   */
  acquire(options: AcquireOptions): Promise<LockGuard>;
  /** Undefined: another has it, or waits for it. Throws as the store does. */
  tryAcquire(options: TryAcquireOptions): Promise<LockGuard | undefined>;
}

/** Of one try. */
export interface TryAcquireOptions {
  readonly signal: AbortSignal;
  /** How long after its last sign of life a holder's lock is another's; default: the session's. */
  readonly leaseDurationMs?: number | undefined;
}

/** How long a lock is waited for. */
export interface AcquireOptions extends TryAcquireOptions {
  /** Default: as long as the signal says. */
  readonly timeoutMs?: number | undefined;
  /** Is told of each try that failed and is made again: the store is away, the session was lost. */
  readonly onTrouble?: ((cause: RouterError) => void) | undefined;
}

/** `await using guard = await lock.acquire({ signal })` gives it back at the end of the block. */
export interface LockGuard extends Held {
  /**
   * Gives it back. Does not throw. Resolves when the store knows, or when it cannot be reached:
   * then it is told later, and ends the session by itself at the latest.
   */
  release(): Promise<void>;
}

/** Who holds it, and how long its lease is. */
export interface LockOptions {
  /** Who asks, for people who look: a node's id, for example. */
  readonly holder: string;
}

/** Fails with `STORE_REFUSED` for names that cannot be keys. */
export function createLock(place: RecipePlace, name: string, { holder }: LockOptions): Lock {
  const folder = seatFolder(place, "locks", name);
  const what = `lock "${name}"`;
  const contest: Contest = { place, folder, what, holder: checkedHolder(holder), value: undefined };
  return {
    name,
    async acquire({ signal, timeoutMs, leaseDurationMs, onTrouble }) {
      using deadline = deadlineOf(place.clock, what, signal, timeoutMs);
      return await contend(contest, { signal: deadline.signal, ttlMs: leaseDurationMs, onTrouble });
    },
    async tryAcquire({ signal, leaseDurationMs }) {
      // Spares a session, and those who wait a key before theirs.
      const { entries } = await place.store.list(`${folder}/`, { signal });
      if (holderOf(place.store.facts, entries) !== undefined) return undefined;
      return await contendOnce(contest, { signal, ttlMs: leaseDurationMs, onTrouble: undefined }, "try");
    },
  };
}

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * The signal, and after `timeoutMs` a `TIMED_OUT`. Throws a RangeError for what no timer counts.
 */
function deadlineOf(clock: Clock, what: string, signal: AbortSignal, timeoutMs: number | undefined): Deadline {
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
