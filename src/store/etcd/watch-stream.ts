import { status } from "@grpc/grpc-js";
import type { Cancel } from "../../core/clock.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { ResyncReason, StoreObserver } from "../store.ts";
import type { WatchLag } from "../watch-lag.ts";
import type { OpenStream } from "./connection.ts";
import { type EtcdFault, isSilent, isUnreachable, storeError, wantsNewToken } from "./fault.ts";
import { encodeWatchCreate, encodeWatchProgress, type WatchResponse } from "./messages.ts";
import { WATCH } from "./methods.ts";
import { endOfPrefix, type RangeReader, startOfPrefix } from "./range.ts";
import type { Ready, Rpc } from "./rpc.ts";
import type { WatchStep, WatchState } from "./watch-state.ts";

export interface EtcdWatchParts extends TimeAndChance {
  readonly prefix: string;
  readonly rpc: Rpc;
  readonly reader: RangeReader;
  readonly observer: StoreObserver;
  readonly lag: WatchLag;
}

/** What a stream tells while it lives. */
interface StreamListener {
  /** etcd has taken the watch: what follows comes from there. */
  established(): void;
  /** Also with none: it may have been told how far it is. */
  changed(steps: readonly WatchStep[]): void;
}

/** Why a stream is over, where it was not lost: a listing has to follow, or only another stream. */
export type StreamEnd = ResyncReason | "behind" | "denied";

/** That it has taken a watch is said at once by a member that is alive. */
const CREATE_MS = 5_000;
/** Without a word for so long, the store is asked whether there was something to tell. */
const QUIET_MS = 60_000;
/** What is in a listing and not told is waited for while something comes, each time for so long. */
const GRACE_MS = 10_000;
/** What was told is compared with a listing after this, or up to twice as long. */
const COMPARE_MS = 300_000;

/**
 * One stream of a watch, from the state's cursor on. It ends by itself where its silence cannot be
 * right; whatever comes of a stream that has ended goes nowhere.
 */
export class WatchStream {
  readonly #parts: EtcdWatchParts;
  readonly #state: WatchState;
  readonly #listener: StreamListener;
  readonly #ready: Ready;
  readonly #over = Promise.withResolvers<StreamEnd>();
  readonly #stop = new AbortController();
  readonly #timers = new Set<Cancel>();
  readonly #startedMs: number;
  #stream: OpenStream | undefined;
  #isEstablished = false;
  #heard = 0;

  constructor(parts: EtcdWatchParts, state: WatchState, listener: StreamListener, ready: Ready) {
    this.#parts = parts;
    this.#state = state;
    this.#listener = listener;
    this.#ready = ready;
    this.#startedMs = parts.clock.nowMs();
  }

  /** Rejects when it was lost, and with the signal's reason. */
  async run(signal: AbortSignal): Promise<StreamEnd> {
    signal.throwIfAborted();
    const abort = (): void => this.#over.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      this.#open();
      return await this.#over.promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#close();
    }
  }

  /** Has etcd say how far it is, in its order among the changes. */
  ask(): void {
    if (this.#isEstablished) this.#stream?.send(encodeWatchProgress());
  }

  #open(): void {
    const { prefix } = this.#parts;
    const { connection, token } = this.#ready;
    this.#state.begin();
    const create = encodeWatchCreate(startOfPrefix(prefix), endOfPrefix(prefix), this.#state.cursor);
    this.#stream = connection.stream(WATCH, create, token, {
      message: (response) => this.#take(response),
      ended: (fault) => this.#fail(fault),
    });
    this.#after(CREATE_MS, () => {
      if (this.#isEstablished) return;
      const details = `no answer within ${CREATE_MS} ms`;
      this.#fail({ code: status.DEADLINE_EXCEEDED, details, endpoint: connection.endpoint, wasSent: true });
    });
  }

  #close(): void {
    this.#stop.abort();
    this.#stream?.cancel();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #take(response: WatchResponse): void {
    if (this.#stop.signal.aborted) return;
    this.#heard++;
    if (response.canceled) this.#cancelled(response);
    else if (response.created) this.#establish();
    else this.#listener.changed(this.#state.take(response));
  }

  #establish(): void {
    const { clock, observer, random } = this.#parts;
    this.#isEstablished = true;
    observer.called("watch", "done", clock.nowMs() - this.#startedMs);
    this.#listener.established();
    this.#awaitRest();
    this.#listen();
    this.#after(COMPARE_MS * (1 + random.next()), () => void this.#compare());
  }

  /** What a token that is no longer known may not do is told in the words of rights. */
  #cancelled({ compactRevision, cancelReason }: WatchResponse): void {
    const { connection, token } = this.#ready;
    if (compactRevision > 0n) {
      this.#over.resolve("compacted");
      return;
    }
    const isDenied = /permission denied|auth token|auth store|user name is empty/iu.test(cancelReason);
    if (isDenied && this.#parts.rpc.tokens.hasUser) {
      this.#parts.rpc.tokens.forget(token);
      this.#over.resolve("denied");
      return;
    }
    const details = cancelReason === "" ? "it cancelled the watch" : cancelReason;
    const code = isDenied ? status.PERMISSION_DENIED : status.UNAVAILABLE;
    this.#fail({ code, details, endpoint: connection.endpoint, wasSent: true });
  }

  #fail(fault: EtcdFault): void {
    const { rpc, observer, clock } = this.#parts;
    const { connection, token } = this.#ready;
    if (wantsNewToken(fault) && rpc.tokens.hasUser) {
      rpc.tokens.forget(token);
      this.#over.resolve("denied");
      return;
    }
    if (isUnreachable(fault))
      rpc.channel.leave(connection, isSilent(fault) ? clock.nowMs() - this.#startedMs : undefined);
    const outcome = isUnreachable(fault) ? "unreachable" : "refused";
    if (!this.#isEstablished) observer.called("watch", outcome, clock.nowMs() - this.#startedMs);
    this.#over.reject(storeError([fault]));
  }

  /** Whether anything comes at all: streams of members that were restored were seen to starve. */
  #listen(): void {
    const heard = this.#heard;
    this.#after(QUIET_MS, () => {
      if (this.#heard === heard) void this.#probe();
      this.#listen();
    });
  }

  async #probe(): Promise<void> {
    const { prefix, reader } = this.#parts;
    const range = { key: startOfPrefix(prefix), end: endOfPrefix(prefix), limit: 1, keysOnly: true };
    const options = { signal: this.#stop.signal };
    const answer = await reader.range({ ...range, minModified: this.#state.cursor }, options).catch(() => undefined);
    if (answer?.ok !== true || this.#stop.signal.aborted) return;
    const newest = answer.value.entries[0]?.modified;
    if (answer.value.header.revision < this.#state.cursor - 1n) this.#over.resolve("behind");
    if (newest === undefined) return;
    this.#after(GRACE_MS, () => {
      if (this.#state.cursor <= newest) this.#over.resolve("behind");
    });
  }

  async #compare(): Promise<void> {
    const { prefix, reader, random } = this.#parts;
    this.#after(COMPARE_MS * (1 + random.next()), () => void this.#compare());
    this.#state.beginListing();
    const options = { signal: this.#stop.signal, keysOnly: true, deadlineMs: COMPARE_MS };
    const listing = await reader.list(prefix, options).catch(() => undefined);
    if (listing === undefined || this.#stop.signal.aborted) return;
    const why = this.#state.isOther(listing) ? "wiped" : this.#state.compare(listing);
    if (why === undefined) this.#awaitRest();
    else this.#over.resolve(why === "wiped" ? "behind" : why);
  }

  /** Until all is told that the last listing had. */
  #awaitRest(): void {
    const { cursor } = this.#state;
    if (this.#state.isComplete) return;
    this.#after(GRACE_MS, () => {
      if (this.#state.isComplete) return;
      if (this.#state.cursor === cursor) this.#over.resolve("diverged");
      else this.#awaitRest();
    });
  }

  #after(delayMs: number, run: () => void): void {
    const cancel = this.#parts.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}
