import type { Entry, WatchEvent } from "../store.ts";

/** A reader that is so far behind is told states, and no longer each change. */
export const MAX_WAITING = 4_096;

/**
 * What a watch has to tell and its reader has not asked for yet. A reader that is far behind gets
 * it all as one: so no more is kept than the prefix holds, however long it stays away.
 */
export class WatchQueue {
  readonly #signal: AbortSignal;
  #waiting: WatchEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  push(event: WatchEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) this.#waiting = folded(this.#waiting);
    this.#wake?.();
  }

  /** Undefined once the signal says so. */
  async next(): Promise<WatchEvent | undefined> {
    while (this.#waiting.length === 0 && !this.#isOver()) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#isOver() ? undefined : this.#waiting.shift();
  }

  #isOver(): boolean {
    return this.#signal.aborted;
  }
}

type StateEvent = Exclude<WatchEvent, { kind: "lost" | "synced" }>;

/** All states as one, and behind it whether the store can be reached. */
function folded(events: readonly WatchEvent[]): WatchEvent[] {
  const puts = new Map<string, Entry>();
  const deletes = new Set<string>();
  let state: StateEvent = { kind: "changes", puts: [], deletes: [], revision: 0n };
  let link: WatchEvent | undefined;
  for (const event of events) {
    if (event.kind === "lost" || event.kind === "synced") {
      link = event;
      continue;
    }
    for (const entry of event.kind === "snapshot" ? event.entries : event.puts) {
      puts.set(entry.key, entry);
      deletes.delete(entry.key);
    }
    for (const key of event.kind === "snapshot" ? [] : event.deletes) {
      puts.delete(key);
      deletes.add(key);
    }
    state = staysFirst(state, event) ? { ...state, revision: event.revision } : event;
  }
  const all = { puts: [...puts.values()], deletes: [...deletes] };
  const one: WatchEvent = state.kind === "snapshot" ? { ...state, entries: all.puts } : { ...state, ...all };
  return link === undefined ? [one] : [one, link];
}

/** A snapshot stays the first, and that there was a gap is not forgotten. */
function staysFirst(state: StateEvent, next: StateEvent): boolean {
  return state.kind === "snapshot" || (state.kind === "resync" && next.kind === "changes");
}
