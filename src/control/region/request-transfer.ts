import { isoTime } from "../../core/iso-time.ts";
import { reasonOf } from "../../core/errors.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import { readFleet } from "../../store/recipes/identity.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { CallOptions, Revision } from "../../store/store.ts";
import { type Candidates, type ElectedController, readCandidates, watchCandidates } from "./candidates.ts";
import { decodeTransfer, transferKey, type TransferRequest, transfersPrefix } from "./transfer-request.ts";

/** Which leadership is to be given to whom. */
export interface TransferAsked {
  /** `global`, or `region.<id>`. */
  readonly election: string;
  /** The id of a candidate; default: whoever comes next. */
  readonly to?: string | undefined;
  /** Who asks, for people. */
  readonly by: string;
}

/** Of asking for a transfer. */
export interface RequestTransferOptions extends CallOptions {
  /** Until another leads; default 25 s. */
  readonly timeoutMs?: number | undefined;
}

/** What became of it. All but the first three: nothing is known to have been changed. */
export type RequestedTransfer =
  | { readonly kind: "transferred"; readonly from: string; readonly to: string; readonly epoch: string }
  /** It is led by that one as it is. */
  | { readonly kind: "leads_already"; readonly id: string }
  /** Another leads now than the one that it was to be given to. */
  | { readonly kind: "changed"; readonly leader: string }
  | { readonly kind: "nobody_leads" }
  /** Nobody of that id stands; `standing` are those who do, beside the leader. */
  | { readonly kind: "no_candidate"; readonly standing: readonly string[] }
  /** Others asked at the same time. */
  | { readonly kind: "asked_by_others" }
  | { readonly kind: "not_in_time"; readonly reason: string };

/** Two transfers of 10 s each at most, and what the store takes. */
const TIMEOUT_MS = 25_000;

/**
 * Asks whoever leads an election to give it to another, by a key that it watches, and waits until
 * another leads. Throws as the store does.
 */
export async function requestTransfer(
  place: RecipePlace,
  asked: TransferAsked,
  options: RequestTransferOptions,
): Promise<RequestedTransfer> {
  const { election, to, by } = asked;
  const { signal } = options;
  const key = transferKey(place.prefix, election);
  const { leader, standing } = await readCandidates(place, election, options);
  if (leader === undefined) return { kind: "nobody_leads" };
  if (leader.id === to) return { kind: "leads_already", id: to };
  const others = standing.filter((id) => id !== leader.id);
  if (to === undefined ? others.length === 0 : !others.includes(to)) return { kind: "no_candidate", standing: others };
  const request: TransferRequest = {
    schema: 1,
    epoch: String(leader.epoch),
    to,
    by: by.slice(0, 256),
    at: isoTime(place.clock.wallMs()),
  };
  const revision = await ask(place, key, request, options);
  if (revision === undefined) return { kind: "asked_by_others" };
  try {
    return await untilDecided(place, { ...options, asked, key, from: leader, revision });
  } finally {
    await takeBack(place, key, revision, signal);
  }
}

/** Undefined: another request came between. */
async function ask(
  { store }: RecipePlace,
  key: string,
  request: TransferRequest,
  options: CallOptions,
): Promise<Revision | undefined> {
  const before = await store.get(key, options);
  const unchanged =
    before === undefined
      ? ({ kind: "absent", key } as const)
      : ({ kind: "modified", key, revision: before.modified } as const);
  const put = { kind: "put", key, value: writeJson(request) } as const;
  const outcome = await store.txn({ if: [unchanged], then: [put] }, options);
  return outcome.done ? outcome.revision : undefined;
}

/** What the leader has written there since stays until then, too: nobody else reads it. */
async function takeBack({ store }: RecipePlace, key: string, revision: Revision, signal: AbortSignal): Promise<void> {
  try {
    const entry = await store.get(key, { signal });
    if (entry === undefined || (entry.modified !== revision && decodeTransfer(entry)?.refused === undefined)) return;
    const same = { kind: "modified", key, revision: entry.modified } as const;
    await store.txn({ if: [same], then: [{ kind: "delete", key }] }, { signal });
  } catch {
    // The next leader takes it away: it heeds none that was for another.
  }
}

interface AskedTransfer extends RequestTransferOptions {
  readonly asked: TransferAsked;
  readonly key: string;
  readonly from: ElectedController;
  readonly revision: Revision;
}

async function untilDecided(place: RecipePlace, waiting: AskedTransfer): Promise<RequestedTransfer> {
  const { signal, timeoutMs = TIMEOUT_MS, asked, from } = waiting;
  const over = new AbortController();
  const cancel = place.clock.after(timeoutMs, () => over.abort());
  const either = AbortSignal.any([signal, over.signal]);
  try {
    const decided = await Promise.any([
      untilAnotherLeads(place, waiting, either),
      untilRefused(place, waiting, either),
    ]);
    if (typeof decided === "string") return await refusal(place, decided, waiting);
    const { id, epoch } = decided;
    if (asked.to === undefined ? id === from.id : id !== asked.to) return { kind: "changed", leader: id };
    const fleet = await readFleet(place, waiting);
    const generation = fleet.kind === "found" ? fleet.identity.generation : 1;
    return { kind: "transferred", from: from.id, to: id, epoch: formatEpoch({ generation, revision: epoch }) };
  } catch (cause) {
    signal.throwIfAborted();
    if (over.signal.aborted) {
      return { kind: "not_in_time", reason: `${from.id} did not give it away within ${timeoutMs / 1_000} s` };
    }
    throw cause instanceof AggregateError ? cause.errors[0] : cause;
  } finally {
    cancel();
    over.abort();
  }
}

async function refusal(
  place: RecipePlace,
  why: string,
  { asked, from, signal }: AskedTransfer,
): Promise<RequestedTransfer> {
  if (why !== "no_candidate") return { kind: "not_in_time", reason: "the other candidates did not step aside" };
  const { standing } = await readCandidates(place, asked.election, { signal });
  return { kind: "no_candidate", standing: standing.filter((id) => id !== from.id) };
}

/** Rejects when the signal ends it. */
async function untilAnotherLeads(
  place: RecipePlace,
  { asked, from }: AskedTransfer,
  signal: AbortSignal,
): Promise<ElectedController> {
  for await (const now of watchCandidates(place, asked.election, signal)) {
    const leader = now && another(now, from);
    if (leader !== undefined) return leader;
  }
  throw new Error(reasonOf(signal.reason));
}

function another({ leader }: Candidates, from: ElectedController): ElectedController | undefined {
  return leader === undefined || leader.epoch === from.epoch ? undefined : leader;
}

/** Why the leader did not; rejects when the signal ends it. */
async function untilRefused(
  place: RecipePlace,
  { key, revision }: AskedTransfer,
  signal: AbortSignal,
): Promise<string> {
  for await (const { entries } of watchEntries(place.store, transfersPrefix(place.prefix), signal)) {
    const entry = entries.get(key);
    if (entry === undefined || entry.modified <= revision) continue;
    const refused = decodeTransfer(entry)?.refused;
    if (refused !== undefined) return refused;
  }
  throw new Error(reasonOf(signal.reason));
}
