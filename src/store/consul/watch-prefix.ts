import { sleep } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { observed } from "../observed.ts";
import { pauseMs } from "../pauses.ts";
import type { WatchLag } from "../watch-lag.ts";
import type { Entry, Revision, StoreOptions, WatchEvent } from "../store.ts";
import { CallTime } from "./call-time.ts";
import type { ConsulHttp } from "./consul-http.ts";
import { DeliveredListing } from "./listing-changes.ts";
import type { WatchSlots } from "./watch-slots.ts";
import { listingOf, listPath, readIndex } from "./read-keys.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What the watches of a store share. */
interface WatchScene {
  readonly http: ConsulHttp;
  /** Each query that waits has a connection for itself. */
  readonly slots: WatchSlots;
  readonly options: StoreOptions;
  readonly lag: WatchLag;
  /** For calls, which no watch holds up. */
  readonly calls: ConsulHttp;
}

/**
 * Consul answers a query with an index once there is a later one, or after this long: so long it
 * takes to see that a connection is dead.
 */
const WAIT_SECONDS = 6;
/** Where there are more watches than slots. */
const SHORT_WAIT_SECONDS = 1;
/** It adds a sixteenth at random, and may have something else to do. */
const SLACK_MS = 4_000;
const READ_MS = 5_000;
/** A prefix that changes all the time is read so often. */
const BURST = 8;
const EVERY_MS = 250;
/** The endpoint that is asked next may be the same one. */
const LEAST_PAUSE_MS = 50;

interface Listed {
  readonly entries: readonly Entry[];
  readonly revision: Revision;
}

/**
 * Reads the whole of the prefix again and again, and tells what has become different. What it tells
 * has a revision that never falls but for a wiped store, though Consul's index may, which is asked
 * for as it came.
 */
export async function* watchPrefix(scene: WatchScene, prefix: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const bucket = new TokenBucket(BURST, EVERY_MS, scene.options.clock);
  const progress = new Progress();
  using measured = scene.lag.enter({
    newest: (stop) => newestIndex(scene, prefix, progress, stop),
    hasPassed: (revision) => progress.hasPassed(revision),
  });
  while (!signal.aborted) {
    const listed = await poll(scene, prefix, progress.index, bucket, signal);
    if (listed === undefined) return;
    const isLost = "reason" in listed;
    const events = isLost ? progress.lose(listed.reason) : progress.take(listed);
    measured.moved();
    measured.isReaderBusy = true;
    for (const event of events) {
      if (event.kind === "resync") scene.options.observer.resynced(prefix, event.why);
      yield event;
    }
    measured.isReaderBusy = false;
    if (isLost && !(await pause(scene.options, progress.failures, signal))) return;
  }
}

/** How far a watch is, and what it has to tell next. */
class Progress {
  #delivered: DeliveredListing | undefined;
  #isSynced = false;
  /** What Consul is asked for a later one than; 0: it answers at once. */
  index: Revision = 0n;
  /** Since it last answered. */
  failures = 0;

  get isEmpty(): boolean {
    return this.#delivered?.isEmpty === true;
  }

  hasPassed(revision: Revision): boolean {
    return this.#isSynced && this.#delivered !== undefined && this.#delivered.revision >= revision;
  }

  lose(reason: string): WatchEvent[] {
    const isTold = this.failures++ > 0;
    this.#isSynced = false;
    this.index = 0n; // what it is now is worth to be known at once
    return isTold ? [] : [{ kind: "lost", reason }];
  }

  take(listed: Listed): WatchEvent[] {
    const events: WatchEvent[] = [];
    this.failures = 0;
    this.index = listed.revision;
    if (this.#delivered === undefined) {
      this.#delivered = new DeliveredListing(listed.entries, listed.revision);
      events.push({ kind: "snapshot", entries: listed.entries, revision: this.#delivered.revision });
    } else {
      const event = eventOf(this.#delivered, listed);
      if (event !== undefined) events.push(event);
    }
    if (!this.#isSynced) events.push({ kind: "synced", revision: this.#delivered.revision });
    this.#isSynced = true;
    return events;
  }
}

function eventOf(delivered: DeliveredListing, { entries, revision: index }: Listed): WatchEvent | undefined {
  const { puts, deletes, isWiped } = delivered.turnInto(entries, index);
  const { revision } = delivered;
  if (isWiped) return { kind: "resync", why: "wiped", puts, deletes, revision };
  if (puts.length === 0 && deletes.length === 0) return undefined;
  return { kind: "changes", puts, deletes, revision };
}

/**
 * Of what the watch reads. Where there is nothing, Consul says the index of all that it has, which
 * the watch need not see.
 */
async function newestIndex(
  { calls }: WatchScene,
  prefix: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Revision> {
  const index = await readIndex(calls, prefix, new CallTime({ signal }, calls.clock));
  if (index.hasKeys || !progress.isEmpty) return index.revision;
  return 0n;
}

/** Undefined: the signal says that it is over. */
async function poll(
  scene: WatchScene,
  prefix: string,
  index: Revision,
  bucket: TokenBucket,
  signal: AbortSignal,
): Promise<Listed | { readonly reason: string } | undefined> {
  try {
    await bucket.take(signal);
    using _ = await scene.slots.take(signal);
    const run = (): Promise<Listed> => read(scene, prefix, index, signal);
    // How long the others take says when something changed, and not how well Consul answers.
    return await (index === 0n ? observed(scene.options, "watch", run) : run());
  } catch (cause) {
    return signal.aborted ? undefined : { reason: reasonOf(cause) };
  }
}

async function read(
  { http, slots }: WatchScene,
  prefix: string,
  index: Revision,
  signal: AbortSignal,
): Promise<Listed> {
  const seconds = slots.isShort ? SHORT_WAIT_SECONDS : WAIT_SECONDS;
  const wait = index === 0n ? "" : `&index=${index}&wait=${seconds}s`;
  const timeoutMs = index === 0n ? READ_MS : (seconds * 1_000 * 17) / 16 + SLACK_MS;
  const reply = await http.once({ method: "GET", path: `${listPath(prefix)}${wait}` }, timeoutMs, signal);
  const { entries, revision } = await listingOf(http, prefix, reply, new CallTime({ signal }, http.clock));
  // With an index of 0 it would not wait.
  return { entries, revision: revision > 0n ? revision : 1n };
}

/** Whether it goes on. */
async function pause(
  { clock, random }: Pick<StoreOptions, "clock" | "random">,
  failures: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await sleep(clock, LEAST_PAUSE_MS + pauseMs("watch", failures, random), signal);
    return true;
  } catch {
    return false;
  }
}
