import { type Clock, sleep } from "../../core/clock.ts";
import type { Revision, Store } from "../store.ts";

/** A watch that was away for less goes on where it was; one that was away for longer resyncs. */
export const HISTORY_KEPT_MS = 300_000;

/**
 * For whoever leads: every five minutes, forgets history that is older than that, where the store
 * has one that is ours. Ends with the signal. Does not throw: what cannot be forgotten now is the
 * next time.
 */
export async function compactRegularly(
  store: Pick<Store, "check" | "compact">,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  if (store.compact === undefined) return;
  let old: Revision | undefined;
  while (!signal.aborted) {
    old = await compactTo(store, old, signal).catch(() => old);
    await sleep(clock, HISTORY_KEPT_MS, signal).catch(() => undefined);
  }
}

/** The newest revision, which is old enough the next time. */
async function compactTo(
  store: Pick<Store, "check" | "compact">,
  old: Revision | undefined,
  signal: AbortSignal,
): Promise<Revision> {
  const { revision } = await store.check({ signal });
  // Nothing was written since, or the store was wiped and has no such history.
  if (old !== undefined && old < revision) await store.compact?.(old, { signal });
  return revision;
}
