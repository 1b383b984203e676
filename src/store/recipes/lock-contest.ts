import { RouterError } from "../../core/errors.ts";
import type { Entry, Revision, Session } from "../store.ts";
import { writeSeat } from "./lock-entry.ts";
import { persist, type Persistence } from "./lock-retry.ts";
import type { RecipePlace } from "./place.ts";

/** What one contender wants: the same for locks and for elections. */
export interface Contest {
  readonly place: RecipePlace;
  /** `<prefix>/locks/<name>`. */
  readonly folder: string;
  /** For people: `lock "nightly"`. */
  readonly what: string;
  readonly holder: string;
  /** Of a candidate. */
  readonly value: string | undefined;
}

/** Whether others are waited for, and the store. */
export type HowToAsk = "wait" | "try";

/** A contest, while one session lasts. */
export interface ContestTurn {
  readonly contest: Contest;
  readonly session: Session;
  /** The caller's, and the session's loss. */
  readonly signal: AbortSignal;
  readonly how: HowToAsk;
  readonly onTrouble: ((cause: RouterError) => void) | undefined;
}

export interface SeatClaim {
  readonly key: string;
  readonly epoch: Revision;
}

/** What the key says from now on. */
export function seatText({ contest, session }: ContestTurn, isHolder: boolean): Uint8Array {
  const { place, holder, value } = contest;
  return writeSeat({ holder, sinceMs: place.clock.wallMs(), holds: isHolder, session: session.id, value });
}

/** Tries until it is done, or the turn is over; once, if it only tries. */
export function persistently<T>(turn: ContestTurn, run: () => Promise<T>): Promise<T> {
  if (turn.how === "try") return run();
  const { clock, random } = turn.contest.place;
  const persistence: Persistence = { clock, random, signal: turn.signal, onTrouble: turn.onTrouble };
  return persist(run, persistence);
}

/**
 * Takes away a key that nobody holds and that is in the way. It has to go before anybody goes past
 * it: who held it before it was written over may not know yet, and compares that it is there.
 */
export async function removeOrphan({ contest, signal }: ContestTurn, { key, modified }: Entry): Promise<void> {
  const still = { kind: "modified", key, revision: modified } as const;
  await contest.place.store.txn({ if: [still], then: [{ kind: "delete", key }] }, { signal });
}

/** The place in the queue is gone, and with it the session, as far as the store is concerned. */
export function placeLost({ contest }: ContestTurn): RouterError {
  return new RouterError("SESSION_LOST", `the key that waited for the ${contest.what} is gone`);
}
