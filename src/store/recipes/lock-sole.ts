import { sleep } from "../../core/clock.ts";
import type { Entry } from "../store.ts";
import { type SeatClaim, persistently, removeOrphan, seatText, type ContestTurn } from "./lock-contest.ts";
import { isOrphaned, SOLE_KEY, stateIn } from "./lock-entry.ts";
import { queueKey } from "./lock-queue.ts";

/** Whoever waited comes back at different times: the first takes it, and the others see so. */
const SPREAD_MS = 1_000;
/** Where it is free and yet not to be had: Consul's lock-delay, or a store that lags. */
const REFUSED_PAUSE_MS = 1_000;
const REFUSED_SPREAD_MS = 4_000;

export function soleKey({ contest }: ContestTurn): string {
  return `${contest.folder}/${SOLE_KEY}`;
}

/**
 * One key for all, which a session takes when it is free: in no order, and with chance between the
 * tries. Those who wait leave a mark for people to see, and nothing depends on it. Undefined: it is
 * another's, and is not waited for.
 */
export async function takeSole(turn: ContestTurn): Promise<SeatClaim | undefined> {
  const { clock, random } = turn.contest.place;
  const key = soleKey(turn);
  let isMarked = false;
  for (;;) {
    const taken = await persistently(turn, () => take(turn, key, isMarked));
    if (typeof taken === "bigint") return { key, epoch: taken };
    if (taken !== undefined && isOrphaned(taken)) {
      await persistently(turn, () => removeOrphan(turn, taken));
      continue;
    }
    if (turn.how === "try") return undefined;
    if (taken === undefined) {
      await sleep(clock, REFUSED_PAUSE_MS + random.next() * REFUSED_SPREAD_MS, turn.signal);
      continue;
    }
    if (!isMarked) await persistently(turn, () => mark(turn));
    isMarked = true;
    await untilFree(turn, key);
    await sleep(clock, random.next() * SPREAD_MS, turn.signal);
  }
}

/** Our epoch, or who has it; undefined: nobody seems to. */
async function take(turn: ContestTurn, key: string, isMarked: boolean): Promise<bigint | Entry | undefined> {
  const { contest, session, signal } = turn;
  const put = { kind: "put", key, value: seatText(turn, true), session: session.id } as const;
  const unmark = isMarked ? [{ kind: "delete", key: queueKey(turn) } as const] : [];
  const outcome = await contest.place.store.txn(
    { if: [{ kind: "absent", key }], then: [put, ...unmark], else: [key] },
    { signal },
  );
  if (outcome.done) return outcome.revision;
  const there = outcome.entries[0];
  // An earlier try whose answer was lost has taken it.
  return there?.session === session.id ? there.created : there;
}

async function mark(turn: ContestTurn): Promise<void> {
  const key = queueKey(turn);
  const put = { kind: "put", key, value: seatText(turn, false), session: turn.session.id } as const;
  await turn.contest.place.store.txn({ if: [], then: [put] }, { signal: turn.signal });
}

async function untilFree(turn: ContestTurn, key: string): Promise<void> {
  for await (const event of turn.contest.place.store.watch(key, { signal: turn.signal })) {
    const state = stateIn(event, key);
    if (state !== undefined && (state.entry === undefined || isOrphaned(state.entry))) return;
  }
  turn.signal.throwIfAborted();
}
