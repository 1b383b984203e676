import { configKeys } from "../../store/recipes/config-record.ts";
import { compareEpochs } from "../../store/recipes/epoch.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { type FleetVerdict, type FoundFleet, olderEpoch } from "../../store/recipes/identity.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { CallOptions } from "../../store/store.ts";

/**
 * Of the newest pointer that a node has seen: an older one is a store that was put back. No
 * directive's scope has such a name: their epochs are those of leaders, which come to be at other
 * times than what is published.
 */
export const POINTER_SCOPE = "config/current";

/**
 * Why whoever remembers so much does not follow a store that is its fleet's: its config is older
 * than one that was seen. Undefined: it is not. Remembers nothing.
 */
export async function olderConfig(
  { store, prefix }: Pick<RecipePlace, "prefix" | "store">,
  memory: Pick<FleetMemory, "seen"> | undefined,
  found: FoundFleet,
  call: CallOptions,
): Promise<Extract<FleetVerdict, { kind: "isolated" }> | undefined> {
  const seen = memory?.seen(POINTER_SCOPE);
  if (seen === undefined || found.kind !== "found") return undefined;
  const pointer = await store.get(configKeys(prefix).current, call);
  if (pointer === undefined) return undefined;
  const epoch = { generation: found.identity.generation, revision: pointer.modified };
  const verdict = compareEpochs(epoch, seen) < 0 ? olderEpoch("the config", seen, epoch) : undefined;
  return verdict?.kind === "isolated" ? verdict : undefined;
}
