import { sleep } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Entry, Listing, Revision, StoreOptions, WatchEvent } from "../store.ts";
import { Delivered } from "../delivered.ts";
import type { WatchLag } from "../watch-lag.ts";
import type { HistoryBatch, Feed, HistoryPosition } from "./feed.ts";
import { untilFree } from "./until-free.ts";
import type { StoreFile } from "./store-file.ts";
import type { HistoryChange } from "./tables.ts";

interface WatchedFile {
  readonly file: StoreFile;
  readonly feed: Feed;
  readonly world: StoreOptions;
  readonly lag: WatchLag;
  /** All that is watched, and where it was read. */
  list(): Promise<HistoryPosition & Pick<Listing, "entries">>;
}

/** How long a file may be held by others before a watch says that it is lost. */
const BUSY_MS = 2_000;
const RETRY_MS = 250;

/** Ends with the signal. */
export async function* watchPrefix(
  parts: WatchedFile,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  if (signal.aborted) return;
  using waiter = parts.feed.join(signal);
  const watch = new Watch(parts, prefix, signal);
  using measured = parts.lag.enter({
    newest: async () => parts.file.state().revision,
    hasPassed: (revision) => watch.hasPassed(revision),
  });
  while (!isAborted(signal)) {
    const events = await watch.next();
    measured.moved();
    measured.isReaderBusy = true;
    for (const event of events) {
      if (isAborted(signal)) return;
      yield event;
    }
    measured.isReaderBusy = false;
    if (watch.isLost) await pause(parts, signal);
    else if (events.length === 0) await waiter.changed();
  }
}

class Watch {
  readonly #parts: WatchedFile;
  readonly #prefix: string;
  readonly #signal: AbortSignal;
  readonly #delivered = new Delivered();
  #position: HistoryPosition | undefined;
  isLost = false;

  constructor(parts: WatchedFile, prefix: string, signal: AbortSignal) {
    this.#parts = parts;
    this.#prefix = prefix;
    this.#signal = signal;
  }

  hasPassed(revision: Revision): boolean {
    return !this.isLost && this.#position !== undefined && this.#position.revision >= revision;
  }

  /** What is to be told now; nothing: wait for a change. */
  async next(): Promise<WatchEvent[]> {
    try {
      const events = this.#position === undefined ? await this.#begin() : await this.#goOn(this.#position);
      if (!this.isLost || this.#position === undefined) return events;
      this.isLost = false;
      return [...events, { kind: "synced", revision: this.#position.revision }];
    } catch (cause) {
      if (this.isLost || this.#signal.aborted) return [];
      this.isLost = true;
      return [{ kind: "lost", reason: reasonOf(cause) }];
    }
  }

  async #begin(): Promise<WatchEvent[]> {
    const { entries, born, revision } = await this.#parts.list();
    this.#delivered.apply(entries, []);
    this.#position = { born, revision };
    this.isLost = false;
    return [
      { kind: "snapshot", entries, revision },
      { kind: "synced", revision },
    ];
  }

  async #goOn(position: HistoryPosition): Promise<WatchEvent[]> {
    const options = { signal: this.#signal, deadlineMs: BUSY_MS };
    for (let at = position; ; ) {
      const found = await untilFree(() => this.#parts.feed.after(at), options, this.#parts.world);
      if (found.kind === "gap") return [await this.#resync(found.why)];
      at = { born: position.born, revision: found.to };
      this.#position = at;
      const events = this.#eventsOf(found);
      if (events.length > 0 || found.isWhole) return events;
    }
  }

  /** One for each revision that wrote something of the prefix. */
  #eventsOf({ changes }: HistoryBatch): WatchEvent[] {
    const events: WatchedChanges[] = [];
    for (const change of changes) {
      if (!change.key.startsWith(this.#prefix)) continue;
      let event = events.at(-1);
      if (event?.revision !== change.revision) {
        event = { kind: "changes", puts: [], deletes: [], revision: change.revision };
        events.push(event);
      }
      add(event, change);
    }
    for (const { puts, deletes } of events) this.#delivered.apply(puts, deletes);
    return events;
  }

  async #resync(why: "compacted" | "wiped"): Promise<WatchEvent> {
    const { entries, born, revision } = await this.#parts.list();
    this.#position = { born, revision };
    const { puts, deletes } = this.#delivered.turnInto({ entries }, why === "wiped");
    this.#parts.world.observer.resynced(this.#prefix, why);
    return { kind: "resync", why, puts, deletes, revision };
  }
}

interface WatchedChanges {
  readonly kind: "changes";
  readonly puts: Entry[];
  readonly deletes: string[];
  readonly revision: Revision;
}

function add({ puts, deletes }: WatchedChanges, { key, entry }: HistoryChange): void {
  if (entry === undefined) deletes.push(key);
  else puts.push(entry);
}

async function pause({ world }: WatchedFile, signal: AbortSignal): Promise<void> {
  try {
    await sleep(world.clock, RETRY_MS, signal);
  } catch {
    // The watch's own loop sees that it has ended.
  }
}

/** Asked anew: it changes while the reader has an event. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
