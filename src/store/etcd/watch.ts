import { sleep } from "../../core/clock.ts";
import { RouterError, reasonOf } from "../../core/errors.ts";
import { pauseMs } from "../pauses.ts";
import type { ResyncReason, WatchEvent } from "../store.ts";
import { Delivered } from "../delivered.ts";
import type { MeasuredSince } from "../watch-lag.ts";
import { storeError } from "./fault.ts";
import { endOfPrefix, type PrefixListing, startOfPrefix } from "./range.ts";
import type { WatchQueue } from "./watch-queue.ts";
import { WatchState, type WatchStep } from "./watch-state.ts";
import { type StreamEnd, type EtcdWatchParts, WatchStream } from "./watch-stream.ts";

/** Before it is believed that a store began again: a member that stood still may say old things. */
const DOUBT_MS = 200;

/** All pages of a listing together: nobody waits for it. */
const LIST_MS = 120_000;

type Next = "begin" | "resume" | ResyncReason;

/** One watch: a listing, then streams, one after the other, and listings where they leave a gap. */
export class EtcdWatch {
  readonly #parts: EtcdWatchParts;
  readonly #queue: WatchQueue;
  readonly #signal: AbortSignal;
  readonly #delivered = new Delivered();
  #state: WatchState | undefined;
  #stream: WatchStream | undefined;
  #measured: MeasuredSince | undefined;
  #isLost = false;
  #failures = 0;
  #denials = 0;

  constructor(parts: EtcdWatchParts, queue: WatchQueue, signal: AbortSignal) {
    this.#parts = parts;
    this.#queue = queue;
    this.#signal = signal;
  }

  /** Until the signal. Does not throw. */
  async run(): Promise<void> {
    using measured = this.#parts.lag.enter({
      newest: (signal) => this.#newest(signal),
      hasPassed: (revision) => !this.#isLost && this.#state?.hasPassed(revision) === true,
      ask: () => this.#stream?.ask(),
    });
    this.#measured = measured;
    let next: Next = "begin";
    while (!this.#isOver()) {
      try {
        const state = await this.#prepare(next);
        next = "resume";
        next = this.#after(await this.#follow(state));
      } catch (cause) {
        if (this.#isOver()) return;
        this.#lose(cause);
        await this.#pause();
      }
    }
  }

  #isOver(): boolean {
    return this.#signal.aborted;
  }

  async #prepare(next: Next): Promise<WatchState> {
    const state = this.#state;
    if (next === "begin" || state === undefined) return await this.#begin();
    const why = next === "resume" ? await this.#whyNotResumed(state) : next;
    if (why !== undefined) await this.#resync(state, why);
    return state;
  }

  async #begin(): Promise<WatchState> {
    const listing = await this.#list(false);
    const { entries, revision } = listing;
    this.#delivered.apply(entries, []);
    this.#queue.push({ kind: "snapshot", entries, revision });
    this.#sync(revision);
    return (this.#state = new WatchState(this.#delivered, listing));
  }

  /** Undefined: the history goes on from what was told. */
  async #whyNotResumed(state: WatchState): Promise<ResyncReason | undefined> {
    const why = await this.#compare(state);
    if (why !== "wiped") return why;
    await sleep(this.#parts.clock, DOUBT_MS, this.#signal);
    return await this.#compare(state);
  }

  async #compare(state: WatchState): Promise<ResyncReason | undefined> {
    state.beginListing();
    const listing = await this.#list(true);
    return state.isOther(listing) ? "wiped" : state.compare(listing);
  }

  async #resync(state: WatchState, found: ResyncReason): Promise<void> {
    const listing = await this.#list(false);
    const why = state.isOther(listing) ? "wiped" : found;
    const { puts, deletes } = this.#delivered.turnInto(listing, why === "wiped");
    state.restart(listing);
    this.#queue.push({ kind: "resync", why, puts, deletes, revision: listing.revision });
    this.#parts.observer.resynced(this.#parts.prefix, why);
  }

  async #follow(state: WatchState): Promise<StreamEnd> {
    const ready = await this.#parts.rpc.ready({ signal: this.#signal });
    if (!ready.ok) throw storeError(ready.faults);
    const told = {
      established: (): void => {
        this.#failures = 0;
        this.#denials = 0;
        if (state.isComplete) this.#sync(state.cursor - 1n);
      },
      changed: (steps: readonly WatchStep[]): void => {
        for (const step of steps) this.#queue.push({ kind: "changes", ...step } satisfies WatchEvent);
        if (state.isComplete) this.#sync(state.cursor - 1n);
        this.#measured?.moved();
      },
    };
    const stream = new WatchStream(this.#parts, state, told, ready.value);
    this.#stream = stream;
    try {
      return await stream.run(this.#signal);
    } finally {
      this.#stream = undefined;
    }
  }

  /** What heads any linearizable read is etcd's newest revision. */
  async #newest(signal: AbortSignal): Promise<bigint> {
    const { prefix, reader } = this.#parts;
    const range = { key: startOfPrefix(prefix), end: endOfPrefix(prefix), limit: 1, keysOnly: true };
    const answer = await reader.range(range, { signal });
    if (!answer.ok) throw storeError(answer.faults);
    return answer.value.header.revision;
  }

  /** A token's end is mended without a word; a second refusal in a row is one of the user. */
  #after(end: StreamEnd): Next {
    if (end === "behind") return "resume";
    if (end !== "denied") return end;
    if (this.#denials++ === 0) return "resume";
    throw new RouterError("STORE_REFUSED", `etcd refuses the user a watch of ${this.#parts.prefix}`, {
      hint: "grant the user's role read on the prefix: `etcdctl role grant-permission ROLE --prefix=true read PREFIX`",
    });
  }

  #list(keysOnly: boolean): Promise<PrefixListing> {
    return this.#parts.reader.list(this.#parts.prefix, { signal: this.#signal, keysOnly, deadlineMs: LIST_MS });
  }

  #sync(revision: bigint): void {
    if (this.#state !== undefined && !this.#isLost) return;
    this.#isLost = false;
    this.#queue.push({ kind: "synced", revision });
  }

  #lose(cause: unknown): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#queue.push({ kind: "lost", reason: reasonOf(cause) });
  }

  async #pause(): Promise<void> {
    const { clock, random } = this.#parts;
    await sleep(clock, pauseMs("watch", this.#failures++, random), this.#signal).catch(() => undefined);
  }
}
