import { RouterError } from "../../core/errors.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { fleetKey, readFleet } from "../../store/recipes/identity.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { Log } from "../../telemetry/log.ts";
import { keepWatching } from "./keep-watching.ts";

/**
 * Judges whose the store is whenever it says something else of that, until it is disposed: in a
 * store that is not its fleet's a controller is not to lead.
 */
export function watchIdentity(place: RecipePlace, memory: Pick<FleetMemory, "check">, log: Log): AsyncDisposable {
  const closing = new AbortController();
  const { signal } = closing;
  const ended = keepWatching({
    clock: place.clock,
    signal,
    watch: async () => {
      for await (const { lost } of watchEntries(place.store, fleetKey(place.prefix), signal)) {
        if (lost === undefined) await memory.check(await readFleet(place, { signal }));
      }
    },
    refused: (reason) =>
      log
        .limited("fleet-identity", 60_000)
        ?.warn("whose the store is cannot be told at the moment", { kind: "store", reason }),
  });
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new RouterError("SHUTDOWN", "whose the store is does not matter any more"));
      await ended;
    },
  };
}
