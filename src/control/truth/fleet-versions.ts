import type { ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import type { ConfigEntry } from "../../store/recipes/config-record.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { createSharedConfig, type SharedConfig } from "../../store/recipes/shared-config.ts";
import type { CallOptions } from "../../store/store.ts";
import type { TriedState, VersionInfo } from "../history/entry.ts";
import { StoreDeadline } from "./deadline.ts";

/** The versions of a fleet's config as its store has them. */
export interface FleetVersions {
  /** As {@link readInfos}; undefined: the store does not answer. Never rejects. */
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
      return inTime((signal) => readInfos(shared, { signal }));
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

/**
 * Newest first, each once: what has run on all, and what was or is only tried. Throws as the store
 * does.
 */
export async function readInfos(
  shared: Pick<SharedConfig, "candidate" | "history">,
  options: CallOptions,
): Promise<VersionInfo[]> {
  const infos = infosOf(await shared.history(options));
  const read = await shared.candidate(options);
  const tried = read.kind === "candidate" ? triedOf(read.candidate) : [];
  const ran = new Set(infos.map(({ version }) => version));
  for (const one of tried.filter(({ version }) => !ran.has(version))) {
    const at = infos.findIndex(({ appliedMs }) => appliedMs <= one.appliedMs);
    infos.splice(at === -1 ? infos.length : at, 0, one);
  }
  return infos;
}

/** Oldest first. Of those that another one has superseded, only the last one is known. */
function triedOf(candidate: ConfigCandidate): VersionInfo[] {
  const { version, sha256, createdMs, by, note, reason } = candidate;
  const state = triedStateOf(candidate);
  const before = candidate.rolledBack.filter((one) => one.version !== version);
  const infos = before.map((one) =>
    triedInfo(one.version, one.sha256, { appliedMs: one.atMs, summary: one.reason, state: one.state }),
  );
  const summary = [note, reason].filter((text) => text !== "").join("; ");
  const last = { appliedMs: createdMs, summary, state, author: by };
  return state === undefined ? infos : [...infos, triedInfo(version, sha256, last)];
}

function triedInfo(
  version: number,
  sha256: string,
  more: Pick<VersionInfo, "appliedMs" | "author" | "state" | "summary">,
): VersionInfo {
  return { version, digest: sha256.slice(0, DIGEST_LENGTH), by: "store", ...more };
}

/** Undefined: all run it. */
function triedStateOf({ state, paused }: ConfigCandidate): TriedState | undefined {
  switch (state) {
    case "running":
      return paused ? "paused" : "staged";
    case "done":
      return undefined;
    case "rolled_back":
    case "aborted":
    case "superseded":
      return state;
    default:
      return state satisfies never;
  }
}

/** A version that the fleet came back to is where it was last; all others where they were made. */
function infosOf(entries: readonly ConfigEntry[]): VersionInfo[] {
  const known = new Set<number>();
  return entries.flatMap(({ kind, version, sha256, atMs, by, note }) => {
    if (known.has(version)) return [];
    known.add(version);
    const origin = kind === "rollback" ? "rollback" : "store";
    const digest = sha256.slice(0, DIGEST_LENGTH);
    return [{ version, digest, appliedMs: atMs, by: origin, summary: note, author: by }];
  });
}
