import { sleep } from "../../core/clock.ts";
import type { CallOptions, Revision, Session } from "../store.ts";
import type { RecipePlace } from "./place.ts";
import { pauseMs } from "../pauses.ts";
import { mayPass } from "./lock-retry.ts";

/** A key that goes with a session. */
export interface OwnKey {
  readonly key: string;
  /** Undefined: it may have been written, and nobody has seen the answer. */
  readonly created: Revision | undefined;
}

interface Leaving {
  readonly place: RecipePlace;
  readonly session: Session;
  readonly keys: readonly OwnKey[];
}

/** So long whoever leaves waits for the store; then it goes on behind their back. */
const FIRST_TRY_MS = 3_000;

/**
 * Takes the keys away, then ends the session. Does not throw. Resolves when that is done, or when
 * the first try failed: then it is tried again until the store has ended the session by itself.
 */
export async function leave(leaving: Leaving): Promise<void> {
  const untilMs = leaving.place.clock.nowMs() + leaving.session.ttlMs * leaving.place.store.facts.expiryFactor;
  if (await tryToLeave(leaving, FIRST_TRY_MS)) await leaving.session.close();
  else void keepLeaving(leaving, untilMs);
}

async function keepLeaving(leaving: Leaving, untilMs: number): Promise<void> {
  const { clock, random } = leaving.place;
  for (let failures = 0; clock.nowMs() < untilMs; failures++) {
    await sleep(clock, pauseMs("lock", failures, random), NEVER);
    if (await tryToLeave(leaving, undefined)) break;
  }
  await leaving.session.close();
}

const NEVER = new AbortController().signal;

/** False: another try may help. */
async function tryToLeave({ place, session, keys }: Leaving, deadlineMs: number | undefined): Promise<boolean> {
  const options: CallOptions = deadlineMs === undefined ? { signal: NEVER } : { signal: NEVER, deadlineMs };
  try {
    for (const { key, created } of keys) await remove(place, session, { key, created }, options);
    return true;
  } catch (cause) {
    return !mayPass(cause);
  }
}

async function remove(place: RecipePlace, session: Session, own: OwnKey, options: CallOptions): Promise<void> {
  const { key } = own;
  let revision = own.created;
  if (revision === undefined) {
    const entry = await place.store.get(key, options);
    if (entry?.session !== session.id) return;
    revision = entry.created;
  }
  await place.store.txn({ if: [{ kind: "created", key, revision }], then: [{ kind: "delete", key }] }, options);
}
