import type { Entry, Revision, Store } from "../store.ts";
import { type SeatClaim, persistently, placeLost, removeOrphan, seatText, type ContestTurn } from "./lock-contest.ts";
import { isOrphaned, stateIn } from "./lock-entry.ts";

/** The key of this turn's session: nobody else writes it. */
export function queueKey({ contest, session }: ContestTurn): string {
  return `${contest.folder}/${session.id}`;
}

/**
 * First come, first served: each contender has a key, and waits for the one before it alone, so
 * that one end wakes one. The holder is the oldest. Undefined: somebody is before us, and is not
 * waited for. Our own key is read after each waiting: it may have gone with its session meanwhile.
 */
export async function takeTurn(turn: ContestTurn): Promise<SeatClaim | undefined> {
  const key = queueKey(turn);
  const epoch = await persistently(turn, () => join(turn, key));
  for (;;) {
    const before = await persistently(turn, () => findBefore(turn, key, epoch));
    if (before === undefined) break;
    if (isOrphaned(before)) {
      await persistently(turn, () => removeOrphan(turn, before));
      continue;
    }
    if (turn.how === "try") return undefined;
    await untilGone(turn.contest.place.store, before, turn.signal);
  }
  await persistently(turn, () => confirm(turn, key, epoch));
  return { key, epoch };
}

async function join(turn: ContestTurn, key: string): Promise<Revision> {
  const { session, signal, contest } = turn;
  const put = { kind: "put", key, value: seatText(turn, false), session: session.id } as const;
  const outcome = await contest.place.store.txn(
    { if: [{ kind: "absent", key }], then: [put], else: [key] },
    { signal },
  );
  if (outcome.done) return outcome.revision;
  // An earlier try whose answer was lost has written it.
  const own = outcome.entries[0];
  if (own?.session !== session.id) throw placeLost(turn);
  return own.created;
}

async function findBefore({ contest, ...turn }: ContestTurn, key: string, epoch: Revision): Promise<Entry | undefined> {
  const { entries } = await contest.place.store.list(`${contest.folder}/`, { signal: turn.signal });
  if (!entries.some((entry) => entry.key === key && entry.created === epoch)) throw placeLost({ contest, ...turn });
  let before: Entry | undefined;
  for (const entry of entries) {
    if (entry.created < epoch && (before === undefined || entry.created > before.created)) before = entry;
  }
  return before;
}

async function untilGone(store: Store, waitedFor: Entry, signal: AbortSignal): Promise<void> {
  for await (const event of store.watch(waitedFor.key, { signal })) {
    const state = stateIn(event, waitedFor.key);
    if (state === undefined) continue;
    if (state.entry?.created !== waitedFor.created || isOrphaned(state.entry)) return;
  }
  signal.throwIfAborted();
}

/** Says that it is ours, if our key is still there: nobody leads without having been told so. */
async function confirm(turn: ContestTurn, key: string, epoch: Revision): Promise<void> {
  const put = { kind: "put", key, value: seatText(turn, true), session: turn.session.id } as const;
  const { store } = turn.contest.place;
  const outcome = await store.txn(
    { if: [{ kind: "created", key, revision: epoch }], then: [put] },
    { signal: turn.signal },
  );
  if (!outcome.done) throw placeLost(turn);
}
