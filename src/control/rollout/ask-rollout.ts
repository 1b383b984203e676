import { RouterError } from "../../core/errors.ts";
import { withRolledBack } from "../../store/recipes/config-candidate.ts";
import { CANDIDATE_BOUNDS, type ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import { MAX_NOTE } from "../../store/recipes/config-record.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { CallOptions } from "../../store/store.ts";

/** What people may ask of a rollout; whoever leads the fleet sees it in the store. */
export const ROLLOUT_REQUESTS = ["pause", "resume", "abort"] as const;
export type RolloutRequest = (typeof ROLLOUT_REQUESTS)[number];

export interface AskRolloutOptions extends CallOptions {
  readonly by: string;
}

export type RolloutAnswer =
  | { readonly kind: "done"; readonly candidate: ConfigCandidate }
  /** It has ended already. */
  | { readonly kind: "ended"; readonly candidate: ConfigCandidate }
  /** Nothing was ever published to be tried. */
  | { readonly kind: "none" };

/** Others may write at the same time; so often it is tried anew. */
const MAX_TRIES = 20;

/** Writes what is wanted; without a leader it waits there for one. Throws as the store does. */
export async function askRollout(
  place: RecipePlace,
  request: RolloutRequest,
  { by, signal }: AskRolloutOptions,
): Promise<RolloutAnswer> {
  const shared = createSharedConfig(place);
  let wanted: ConfigCandidate | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const read = await shared.candidate({ signal });
    if (read.kind === "none") return read;
    if (read.kind === "bad") throw new RouterError("STORE_REFUSED", `no staged config: ${read.reason}`);
    const { candidate } = read;
    if (candidate.state !== "running") {
      return { kind: isDoneIn(candidate, wanted) ? "done" : "ended", candidate };
    }
    wanted = asWanted(candidate, request, by, place.clock.wallMs());
    const isWritten = wanted === candidate || (await shared.update(read, wanted, { signal }));
    if (isWritten) return { kind: "done", candidate: wanted };
  }
  throw new RouterError("STORE_UNREACHABLE", "the staged config was changed by others all the time");
}

/** The try before was carried out, though its answer was lost. */
function isDoneIn(now: ConfigCandidate, wanted: ConfigCandidate | undefined): boolean {
  if (wanted?.state !== "aborted") return false;
  const mine = wanted.rolledBack.at(-1);
  return now.rolledBack.some(({ version, reason }) => version === mine?.version && reason === mine.reason);
}

function asWanted(candidate: ConfigCandidate, request: RolloutRequest, by: string, wallMs: number): ConfigCandidate {
  switch (request) {
    case "pause":
    case "resume": {
      const paused = request === "pause";
      if (candidate.paused === paused) return candidate;
      return { ...candidate, paused, pausedBy: by.slice(0, MAX_NOTE), pausedMs: wallMs };
    }
    case "abort": {
      const reason = `${by === "" ? "somebody" : by} has ended it`.slice(0, CANDIDATE_BOUNDS.reason);
      return withRolledBack({ ...candidate, state: "aborted", reason }, reason, wallMs);
    }
    default:
      return request satisfies never;
  }
}
