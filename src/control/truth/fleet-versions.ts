import type { ConfigEntry } from "../../store/recipes/config-record.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { VersionInfo } from "../history/entry.ts";
import { StoreDeadline } from "./deadline.ts";

/** The versions of a fleet's config as its store has them. */
export interface FleetVersions {
  /** Newest first, each once; undefined: the store does not answer. Never rejects. */
  list(): Promise<readonly VersionInfo[] | undefined>;
  /** Undefined: it is not kept, or the store does not answer. Never rejects. */
  text(version: number): Promise<string | undefined>;
}

const READ_MS = 5_000;
/** As digests of documents are shown: see `digestOf`. */
const DIGEST_LENGTH = 12;

export function openFleetVersions(place: RecipePlace): FleetVersions {
  const shared = createSharedConfig(place);
  const inTime = async <T>(read: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
    using late = new StoreDeadline(place.clock, READ_MS);
    return await read(late.signal).catch(() => undefined);
  };
  return {
    async list() {
      const entries = await inTime((signal) => shared.history({ signal }));
      return entries === undefined ? undefined : infosOf(entries);
    },
    async text(version) {
      const read = await inTime((signal) => shared.version(version, { signal }));
      return read?.kind === "version" ? read.version.text : undefined;
    },
  };
}

/** Why nobody goes back to a version that is kept: some nodes tried it, or still do. */
export function neverRan(version: number): { readonly reason: string; readonly hint: string } {
  const reason = `version ${version} was only tried by some nodes: it has never run on all of them`;
  return { reason, hint: "config apply of that document publishes it, with --again if it was taken back" };
}

/** A version that the fleet came back to is where it was last; all others where they were made. */
export function infosOf(entries: readonly ConfigEntry[]): VersionInfo[] {
  const known = new Set<number>();
  return entries.flatMap(({ kind, version, sha256, atMs, by, note }) => {
    if (known.has(version)) return [];
    known.add(version);
    const origin = kind === "rollback" ? "rollback" : "store";
    const digest = sha256.slice(0, DIGEST_LENGTH);
    return [{ version, digest, appliedMs: atMs, by: origin, summary: note, author: by }];
  });
}
