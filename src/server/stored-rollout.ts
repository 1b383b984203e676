import { ROLLOUT_REQUESTS } from "../control/rollout/ask-rollout.ts";
import { fleetRollout } from "../control/rollout/fleet-rollout.ts";
import { refusalOf, type RolloutRefusal, rolloutView } from "../control/rollout/rollout-view.ts";
import type { CallOptions } from "../store/store.ts";
import type { FleetMemory } from "../store/recipes/fleet-memory.ts";
import type { Coordination } from "./coordination.ts";

/** What can be asked of a fleet's staged config. */
export const ROLLOUT_QUESTIONS = ["status", ...ROLLOUT_REQUESTS] as const;
export type RolloutQuestion = (typeof ROLLOUT_QUESTIONS)[number];

interface RolloutAsked extends CallOptions {
  readonly what: RolloutQuestion;
  readonly by: string;
  /** What the node of the config knows of its fleet: another fleet is asked nothing. */
  readonly memory: FleetMemory | undefined;
}

type StoredRollout = RolloutRefusal | { readonly kind: "view"; readonly view: ReturnType<typeof rolloutView> };

/** Asks the fleet's store, without any node. Throws as the store does. */
export async function askStoredRollout(
  { place }: Pick<Coordination, "place">,
  { what, by, memory, signal }: RolloutAsked,
): Promise<StoredRollout> {
  const rollout = fleetRollout(place, memory);
  if (what === "status") return { kind: "view", view: rolloutView(await rollout.read({ signal })) };
  const answer = await rollout.ask(what, { by, signal });
  return answer.kind === "done" ? { kind: "view", view: rolloutView(answer.candidate) } : refusalOf(answer);
}
