import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { textWithSha256 } from "../../core/sha256.ts";
import { dropOldest } from "../../core/drop-oldest.ts";
import { RouterError } from "../../core/errors.ts";

/** Documents may have 8 MiB; what is asked for is what runs, and what some try. */
const MOST_KEPT = 2;

type FetchDocument = (digest: string, signal: AbortSignal) => Promise<string | undefined>;

/**
 * Documents of the fleet's config by their digests: the one that runs, or one of the versions that
 * are kept. All collectors ask for a new one at about the same time, and the store is read once.
 */
export function createDocumentFetcher(place: RecipePlace): FetchDocument {
  const known = new Map<string, Promise<string | undefined>>();
  return async (digest, signal) => {
    // Not by the signal of one who asks: others wait for it, too. A call of the store ends itself.
    const found = known.get(digest) ?? readDocument(place, digest, new AbortController().signal);
    known.delete(digest);
    known.set(digest, found);
    dropOldest(known, MOST_KEPT);
    const text = await found;
    if (text === undefined && known.get(digest) === found) known.delete(digest);
    return signal.aborted ? undefined : text;
  };
}

/** Undefined: there is none, or the store cannot be asked now. */
async function readDocument(place: RecipePlace, digest: string, signal: AbortSignal): Promise<string | undefined> {
  const config = createSharedConfig(place, { atHand: textWithSha256 });
  try {
    const current = await config.current({ signal });
    if (current.kind === "version" && current.version.sha256 === digest) return current.version.text;
    // What some nodes try is in no history yet.
    const tried = await config.candidate({ signal });
    if (tried.kind === "candidate" && tried.candidate.sha256 === digest) {
      const read = await config.version(tried.candidate.version, { signal });
      if (read.kind === "version") return read.version.text;
    }
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
