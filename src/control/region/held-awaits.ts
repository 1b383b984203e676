import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { type Timer, Timers } from "../../core/timers.ts";
import type { AwaitReply, AwaitRequest, NotLeader } from "../fleet/messages.ts";

/** What a call that is held is answered with. */
export type AwaitAnswer = AwaitReply | NotLeader;

/** Gives what there is for somebody who has asked so; undefined: nothing yet. */
type AnswerFor = (request: AwaitRequest, heldMs: number) => AwaitAnswer | undefined;

/** So long a call is held: not all that came together end together. */
export const HELD = { leastMs: 20_000, mostMs: 30_000 } as const;

/** In one turn: each costs some writing, and what else there is to do is not to wait for all. */
const A_TURN = 200;
const NOTHING: AwaitReply = { protocol: 1, directives: [] };

interface HeldAwaitsOptions extends TimeAndChance {
  readonly most: number;
}

/** Calls of Await that have no answer yet: one of each collector. */
export class HeldAwaits {
  readonly #options: HeldAwaitsOptions;
  readonly #timers: Timers<HeldCall>;
  readonly #calls = new Map<string, HeldCall>();

  constructor(options: HeldAwaitsOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock, 100);
  }

  get size(): number {
    return this.#calls.size;
  }

  /**
   * Resolves with what a later `release` has for it, with nothing after some 25 s, or at once when
   * there is no room. Another call of the same collector takes its place.
   */
  hold(request: AwaitRequest, signal: AbortSignal): Promise<AwaitAnswer> {
    const { clock, random, most } = this.#options;
    const { id } = request;
    this.#calls.get(id)?.end(NOTHING);
    if (this.#calls.size >= most || signal.aborted) return Promise.resolve(NOTHING);
    const { promise, resolve } = Promise.withResolvers<AwaitAnswer>();
    const onAbort = (): void => call.end(NOTHING);
    const ended = (answer: AwaitAnswer): void => {
      signal.removeEventListener("abort", onAbort);
      this.#timers.clear(call);
      if (this.#calls.get(id) === call) this.#calls.delete(id);
      resolve(answer);
    };
    const call = new HeldCall(request, clock.nowMs(), ended);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#calls.set(id, call);
    this.#timers.set(call, clock.nowMs() + HELD.leastMs + random.next() * (HELD.mostMs - HELD.leastMs));
    return promise;
  }

  /** Answers all for whom there is something, some hundreds in a turn. */
  async release(answerFor: AnswerFor): Promise<void> {
    let left = A_TURN;
    for (const call of this.#calls.values()) {
      if (call.isEnded) continue;
      const answer = answerFor(call.request, this.#options.clock.nowMs() - call.sinceMs);
      if (answer === undefined) continue;
      call.end(answer);
      if (--left > 0) continue;
      left = A_TURN;
      await new Promise<void>((resolve) => this.#options.clock.after(0, resolve));
    }
  }

  /** Answers all, now. */
  endAll(answer: AwaitAnswer): void {
    for (const call of this.#calls.values()) call.end(answer);
  }
}

class HeldCall implements Timer {
  heapIndex = -1;
  readonly request: AwaitRequest;
  readonly sinceMs: number;
  isEnded = false;
  readonly #ended: (answer: AwaitAnswer) => void;

  constructor(request: AwaitRequest, sinceMs: number, ended: (answer: AwaitAnswer) => void) {
    this.request = request;
    this.sinceMs = sinceMs;
    this.#ended = ended;
  }

  end(answer: AwaitAnswer): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#ended(answer);
  }

  fire(): void {
    this.end(NOTHING);
  }
}
