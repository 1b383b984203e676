import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { createElection, type Leadership } from "../../store/recipes/election.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { type Candidates, readCandidates, watchCandidates } from "./candidates.ts";

interface StandOptions {
  readonly place: RecipePlace;
  readonly election: string;
  readonly id: string;
  /** What it says of itself: see `encodeLeader`. */
  readonly value: string;
  readonly signal: AbortSignal;
  readonly leaseDurationMs?: number | undefined;
  /** Default: `MOST_CANDIDATES`. */
  readonly most?: number | undefined;
  readonly onTrouble?: ((cause: RouterError) => void) | undefined;
}

/** More would cost sessions and watches, and make no election surer. */
export const MOST_CANDIDATES = 5;

/** Who finds enough there looks again so much later: one and a half times that at most. */
const LOOK_MS = 5_000;
/** Within that whoever is to lead does. */
const TRANSFER_MS = 10_000;

/**
 * Stands for an election while no more than a few do, and while nobody else is to take it over by
 * the leader's will; waits otherwise, and stands then. Resolves when it is won. Throws the signal's
 * reason, or `STORE_REFUSED`; nobody stands any more then.
 */
export async function standFor(options: StandOptions): Promise<Leadership> {
  for (;;) {
    await untilThereIsRoom(options);
    const leadership = await standWhileWanted(options);
    if (leadership !== undefined) return leadership;
  }
}

async function untilThereIsRoom(options: StandOptions): Promise<void> {
  const { place, election, id, signal, most = MOST_CANDIDATES } = options;
  for (;;) {
    try {
      const now = await readCandidates(place, election, { signal });
      const others = now.standing.filter((other) => other !== id);
      if (others.length < most && otherHeir(now, id) === undefined) return;
    } catch (cause) {
      signal.throwIfAborted();
      // A campaign knows how to wait for a store that is away, and what does not pass.
      if (!(cause instanceof RouterError) || cause.code !== "STORE_UNREACHABLE") return;
      options.onTrouble?.(cause);
    }
    await sleep(place.clock, LOOK_MS * (0.5 + place.random.next()), signal);
  }
}

/** Undefined: it stepped aside. */
async function standWhileWanted(options: StandOptions): Promise<Leadership | undefined> {
  const { place, election, id, value, signal, leaseDurationMs, onTrouble } = options;
  const aside = new AbortController();
  const over = new AbortController();
  const watching = stepAside(options, aside, AbortSignal.any([signal, over.signal]));
  watching.catch(() => undefined); // it may end before it is awaited
  try {
    const standing = AbortSignal.any([signal, aside.signal]);
    return await createElection(place, election).campaign(value, { id, signal: standing, leaseDurationMs, onTrouble });
  } catch (cause) {
    if (signal.aborted || !aside.signal.aborted) throw cause;
  } finally {
    over.abort();
    await watching;
  }
  await untilTakenOver(options, aside.signal.reason);
  return undefined;
}

/** Why somebody steps aside. */
class SteppedAside extends Error {
  /** Undefined: enough others came first. */
  readonly heir: string | undefined;

  constructor(heir: string | undefined) {
    super(heir === undefined ? "enough others stand" : `${heir} is to lead`);
    this.heir = heir;
  }
}

async function stepAside(options: StandOptions, aside: AbortController, signal: AbortSignal): Promise<void> {
  const { place, election, id, most = MOST_CANDIDATES } = options;
  try {
    for await (const now of watchCandidates(place, election, signal)) {
      if (now === undefined) continue;
      const heir = otherHeir(now, id);
      if (heir !== undefined || now.standing.indexOf(id) >= most) aside.abort(new SteppedAside(heir));
    }
  } catch (cause) {
    // The campaign has the same store, and tells what is wrong with it.
    if (!(cause instanceof RouterError) && !signal.aborted) throw cause;
  }
}

/** Whom the leader wants to lead, if that is another. */
function otherHeir({ leader }: Candidates, id: string): string | undefined {
  const heir = leader?.value?.transfer_to;
  return heir === id ? undefined : heir;
}

/** Where keys do not queue, whoever stands again at once might come before the heir. */
async function untilTakenOver({ place, election, signal }: StandOptions, why: unknown): Promise<void> {
  if (!(why instanceof SteppedAside) || why.heir === undefined) return;
  await untilLed({ place, election, by: why.heir, signal, timeoutMs: TRANSFER_MS });
}

interface UntilLedOptions {
  readonly place: RecipePlace;
  readonly election: string;
  readonly by: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** False: not within that time. Throws the signal's reason. */
export function untilLed(options: UntilLedOptions): Promise<boolean> {
  const { by } = options;
  return untilCandidates(options, ({ leader }) => leader?.id === by);
}

export async function untilCandidates(
  { place, election, signal, timeoutMs }: Omit<UntilLedOptions, "by">,
  isSo: (candidates: Candidates) => boolean,
): Promise<boolean> {
  const over = new AbortController();
  const cancel = place.clock.after(timeoutMs, () => over.abort());
  try {
    for await (const now of watchCandidates(place, election, AbortSignal.any([signal, over.signal]))) {
      if (now !== undefined && isSo(now)) return true;
    }
  } finally {
    cancel();
  }
  signal.throwIfAborted();
  return false;
}
