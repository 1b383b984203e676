import { RouterError } from "../../core/errors.ts";
import type { ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { compareFleet, readFleet } from "../../store/recipes/identity.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { CallOptions } from "../../store/store.ts";
import { askRollout, type AskRolloutOptions, type RolloutAnswer, type RolloutRequest } from "./ask-rollout.ts";

/** The staged config of a fleet, for people and programs: whoever reaches the store can ask. */
export interface FleetRollout {
  /** What is tried, or was last; undefined: nothing ever was. Throws as the store does. */
  read(options: CallOptions): Promise<ConfigCandidate | undefined>;
  /** Writes down what is wanted; whoever leads the fleet does it. Throws as the store does. */
  ask(request: RolloutRequest, options: AskRolloutOptions): Promise<RolloutAnswer>;
}

/**
 * `memory`: what a node knows of its fleet; in another one, or one that was wiped, it asks nothing.
 */
export function fleetRollout(place: RecipePlace, memory?: Pick<FleetMemory, "identity">): FleetRollout {
  const shared = createSharedConfig(place);
  return {
    async read(options) {
      const read = await shared.candidate(options);
      if (read.kind === "candidate") return read.candidate;
      if (read.kind === "none") return undefined;
      throw new RouterError("STORE_REFUSED", `what stands for a staged config is none: ${read.reason}`, {
        hint: "delete the key, and publish the config again",
      });
    },
    async ask(request, options) {
      if (memory !== undefined) await refuseForeign(place, memory, options);
      return askRollout(place, request, options);
    },
  };
}

async function refuseForeign(
  place: RecipePlace,
  { identity }: Pick<FleetMemory, "identity">,
  call: CallOptions,
): Promise<void> {
  const verdict = compareFleet(identity, await readFleet(place, call));
  if (verdict.kind !== "isolated" && verdict.kind !== "unformed") return;
  throw new RouterError("STORE_REFUSED", verdict.message, { hint: verdict.hint });
}
