import { reasonOf, RouterError } from "../../core/errors.ts";
import { textWithSha256 } from "../../core/sha256.ts";
import type { ConfigPointer, ConfigVersion } from "../../store/recipes/config-record.ts";
import { configKeys } from "../../store/recipes/config-record.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { olderEpoch, readFleet } from "../../store/recipes/identity.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { TruthTrouble } from "./config-truth.ts";
import { POINTER_SCOPE } from "./older-config.ts";

/** What a node sees in the store of its fleet. */
export type FleetInspection =
  | { readonly kind: "version"; readonly version: ConfigVersion; readonly pointer: ConfigPointer }
  | { readonly kind: "trouble"; readonly trouble: TruthTrouble };

/**
 * Whose the store is, and what it says is to run, as far as that is to be believed. What is new is
 * remembered. Never rejects, but for the signal's reason.
 */
export async function inspectFleet(
  place: RecipePlace,
  memory: FleetMemory,
  signal: AbortSignal,
): Promise<FleetInspection> {
  try {
    return await inspect(place, memory, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof RouterError)) {
      const reason = `what this node remembers of its fleet cannot be kept: ${reasonOf(cause)}`;
      return trouble({ kind: "bad", reason, hint: "give node.data_dir as a directory that can be written" });
    }
    const isRefusal = cause.code === "STORE_REFUSED";
    const hint = cause.hint ?? "look at it with signalbox doctor";
    return trouble({ kind: isRefusal ? "bad" : "unreachable", reason: reasonOf(cause), hint });
  }
}

async function inspect(place: RecipePlace, memory: FleetMemory, signal: AbortSignal): Promise<FleetInspection> {
  const verdict = await memory.check(await readFleet(place, { signal }));
  if (verdict.kind === "isolated") return trouble({ kind: "isolated", reason: verdict.message, hint: verdict.hint });
  if (verdict.kind === "unformed") {
    return trouble({ kind: "unformed", reason: `there is no fleet under ${place.prefix} yet`, hint: INIT });
  }
  const pointer = await place.store.get(configKeys(place.prefix).current, { signal });
  if (pointer === undefined) return trouble({ kind: "none", reason: noneUnder(place.prefix), hint: APPLY });
  const epoch = { generation: verdict.identity.generation, revision: pointer.modified };
  if ((await memory.offer(POINTER_SCOPE, epoch)) === "older") {
    const older = olderEpoch("the config", memory.seen(POINTER_SCOPE) ?? epoch, epoch);
    if (older.kind === "isolated") return trouble({ kind: "isolated", reason: older.message, hint: older.hint });
  }
  const read = await createSharedConfig(place, { atHand: textWithSha256 }).current({ signal });
  switch (read.kind) {
    case "version":
      if (read.pointer === undefined) return trouble({ kind: "none", reason: noneUnder(place.prefix), hint: APPLY });
      return { kind: "version", version: read.version, pointer: read.pointer };
    case "none":
      return trouble({ kind: "none", reason: noneUnder(place.prefix), hint: APPLY });
    case "missing":
    case "bad":
      return trouble({
        kind: "bad",
        reason: `what the store says is to run is no config: ${read.reason}`,
        hint: AGAIN,
      });
    default:
      return read satisfies never;
  }
}

const INIT = "give it its first config: signalbox config apply --init; or look at coordination.prefix";
const APPLY = "publish one: signalbox config apply --init";
const AGAIN = "publish a config again: signalbox config apply, or signalbox config rollback";

function noneUnder(prefix: string): string {
  return `the fleet has no config under ${prefix} yet`;
}

function trouble(told: TruthTrouble): FleetInspection {
  return { kind: "trouble", trouble: told };
}
