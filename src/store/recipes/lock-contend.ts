import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { type Contest, type HowToAsk, placeLost, type ContestTurn } from "./lock-contest.ts";
import { KeyHold } from "./lock-hold.ts";
import { leave, type OwnKey } from "./lock-leave.ts";
import { queueKey, takeTurn } from "./lock-queue.ts";
import { pauseMs } from "../pauses.ts";
import { mayPass } from "./lock-retry.ts";
import { soleKey, takeSole } from "./lock-sole.ts";

interface ContendOptions {
  readonly signal: AbortSignal;
  readonly ttlMs: number | undefined;
  readonly onTrouble: ((cause: RouterError) => void) | undefined;
}

/**
 * Waits until it is ours. A contender whose session is lost meanwhile, or who cannot reach the
 * store, begins again with another session, at the end of the queue. Throws the signal's reason,
 * and what trying again does not help. No key and no session of ours is left then.
 */
export async function contend(contest: Contest, options: ContendOptions): Promise<KeyHold> {
  const { clock, random } = contest.place;
  for (let failures = 0; ; failures++) {
    options.signal.throwIfAborted();
    try {
      const hold = await contendOnce(contest, options, "wait");
      if (hold !== undefined) return hold;
    } catch (cause) {
      options.signal.throwIfAborted();
      if (!mayPass(cause) && !isSessionLost(cause)) throw cause;
      options.onTrouble?.(cause);
    }
    await sleep(clock, pauseMs("lock", failures, random), options.signal);
  }
}

/** Undefined: it is another's. Throws as the store does. */
export async function contendOnce(
  contest: Contest,
  options: ContendOptions,
  how: HowToAsk,
): Promise<KeyHold | undefined> {
  const { place, what } = contest;
  const { ttlMs, signal, onTrouble } = options;
  const session = await place.store.openSession(ttlMs === undefined ? { signal } : { signal, ttlMs });
  const turn: ContestTurn = { contest, session, signal: AbortSignal.any([signal, session.lost]), how, onTrouble };
  try {
    const claim = place.store.facts.isFair ? await takeTurn(turn) : await takeSole(turn);
    if (claim !== undefined) {
      // The process may have stood still since: what it holds then is another's already.
      if (session.validForMs() <= 0) throw placeLost(turn);
      signal.throwIfAborted();
      return new KeyHold({ place, what, session, ...claim });
    }
  } catch (cause) {
    await leave({ place, session, keys: keysOf(turn) });
    throw cause;
  }
  await leave({ place, session, keys: keysOf(turn) });
  return undefined;
}

/** All that this turn may have written. */
function keysOf(turn: ContestTurn): OwnKey[] {
  const own: OwnKey = { key: queueKey(turn), created: undefined };
  return turn.contest.place.store.facts.isFair ? [own] : [{ key: soleKey(turn), created: undefined }, own];
}

function isSessionLost(cause: unknown): cause is RouterError {
  return cause instanceof RouterError && cause.code === "SESSION_LOST";
}
