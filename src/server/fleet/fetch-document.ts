import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { RouterError } from "../../core/errors.ts";

/**
 * The document of the fleet's config with this digest: the one that runs, or one of the versions
 * that are kept. Undefined: there is none, or the store cannot be asked now.
 */
export async function fetchDocument(
  place: RecipePlace,
  digest: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const config = createSharedConfig(place);
  try {
    const current = await config.current({ signal });
    if (current.kind === "version" && current.version.sha256 === digest) return current.version.text;
    for (const { version, sha256 } of await config.history({ signal })) {
      if (sha256 !== digest) continue;
      const read = await config.version(version, { signal });
      if (read.kind === "version") return read.version.text;
    }
    return undefined;
  } catch (cause) {
    if (cause instanceof RouterError) return undefined;
    throw cause;
  }
}
