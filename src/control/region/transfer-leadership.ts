import { RouterError } from "../../core/errors.ts";
import type { Leadership } from "../../store/recipes/election.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { ControllerAddress } from "../fleet/messages.ts";
import { readCandidates } from "./candidates.ts";
import { encodeLeader } from "../fleet/leader-value.ts";
import { untilCandidates, untilLed } from "./stand-for.ts";

interface TransferOptions {
  readonly place: RecipePlace;
  readonly election: string;
  readonly leadership: Leadership;
  readonly controller: ControllerAddress;
  /** The id of a candidate; default: whoever comes next. */
  readonly to?: string | undefined;
  readonly signal: AbortSignal;
  /** Until the others have stepped aside, and again until the heir leads; default 10 s. */
  readonly timeoutMs?: number | undefined;
}

export type TransferOutcome =
  | { readonly kind: "transferred"; readonly to: string }
  /** Nobody of that id stands for it: nothing was changed. */
  | { readonly kind: "no_candidate"; readonly standing: readonly string[] }
  /** The others did not step aside: nothing was changed. */
  | { readonly kind: "not_in_time" }
  /** It was given up, and another was quicker, or nobody leads yet. */
  | { readonly kind: "given_up" };

const TIMEOUT_MS = 10_000;

/**
 * Gives a leadership to another candidate: the others are asked to step aside, then it resigns.
 * Until the heir leads nobody does, as with any resignation; whoever resigned is not to stand again
 * before this resolves. Throws `NOT_OWNER`, or as the store does.
 */
export async function transferLeadership(options: TransferOptions): Promise<TransferOutcome> {
  const { place, election, leadership, controller, signal, timeoutMs = TIMEOUT_MS } = options;
  const { standing } = await readCandidates(place, election, { signal });
  const others = standing.filter((id) => id !== leadership.id);
  const to = options.to ?? others[0];
  if (to === undefined || !others.includes(to)) return { kind: "no_candidate", standing: others };
  const waiting = { place, election, signal, timeoutMs };
  await leadership.proclaim(encodeLeader(controller, to), { signal });
  const isNext = await untilCandidates(waiting, (now) => now.standing.every((id) => id === leadership.id || id === to));
  if (!isNext) {
    await leadership.proclaim(encodeLeader(controller), { signal });
    return { kind: "not_in_time" };
  }
  if (leadership.validForMs() <= 0) throw new RouterError("NOT_OWNER", `the election ${election} is led by another`);
  await leadership.resign();
  return (await untilLed({ ...waiting, by: to })) ? { kind: "transferred", to } : { kind: "given_up" };
}
