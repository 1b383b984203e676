import type { Entry, Revision, Store, WatchEvent } from "../store.ts";

/** All that stands below a prefix, as far as the store has told. The map is one and the same. */
export interface Watched {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly revision: Revision;
  /** Why the entries may be old: the store cannot be reached. Undefined: they are not. */
  readonly lost: string | undefined;
}

/**
 * What a watch tells, folded: a state after each of its events, the first once all is there.
 * Ends with the signal alone.
 */
export async function* watchEntries(store: Store, prefix: string, signal: AbortSignal): AsyncGenerator<Watched> {
  const entries = new Map<string, Entry>();
  let revision = 0n;
  let lost: string | undefined;
  let hasSnapshot = false;
  for await (const event of store.watch(prefix, { signal })) {
    if (event.kind === "lost") lost = event.reason;
    else {
      fold(entries, event);
      ({ revision } = event);
      if (event.kind === "synced") lost = undefined;
      if (event.kind === "snapshot") hasSnapshot = true;
    }
    // The rest of a snapshot's world comes before `synced`; what it has is all true already.
    if (hasSnapshot || event.kind === "lost") yield { entries, revision, lost };
  }
}

function fold(entries: Map<string, Entry>, event: Exclude<WatchEvent, { readonly kind: "lost" }>): void {
  switch (event.kind) {
    case "snapshot":
      entries.clear();
      for (const entry of event.entries) entries.set(entry.key, entry);
      return;
    case "changes":
    case "resync":
      for (const key of event.deletes) entries.delete(key);
      for (const entry of event.puts) entries.set(entry.key, entry);
      return;
    case "synced":
      return;
    default:
      event satisfies never;
  }
}
