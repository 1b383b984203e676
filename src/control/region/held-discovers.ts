import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { type Timer, Timers } from "../../core/timers.ts";
import { type DiscoverReply, FLEET_PROTOCOL, type MemberSelection, type NotLeader } from "../fleet/messages.ts";

/** What a call that looks for members is answered with. */
export type DiscoverAnswer = DiscoverReply | NotLeader;

/** What is asked for: the same key for the same. */
export interface DiscoverQuestion {
  readonly key: string;
  readonly wanted: readonly MemberSelection[];
  /** Of whom it is told, too, when they have been heard, and are not found. */
  readonly kept: readonly string[];
}

/** So long a call is held, while only loads are other ones. */
export const HELD_DISCOVERY = { leastMs: 8_000, mostMs: 12_000 } as const;

/** In one turn, as what waits for directives: groups that are looked at, and calls that end. */
const A_TURN = 200;
/** Whoever called has gone away: nobody reads it. */
const UNREAD: DiscoverReply = { protocol: FLEET_PROTOCOL, digest: "", found: [] };

/** Those that ask for the same and know the same: what is news to one is news to all. */
interface Group {
  readonly key: string;
  readonly question: DiscoverQuestion;
  readonly known: string;
  readonly calls: Set<HeldDiscover>;
}

interface HeldDiscoversOptions extends TimeAndChance {
  /** As it is now, for who has waited long enough. */
  readonly replyTo: (question: DiscoverQuestion) => DiscoverReply;
}

/** Calls of Discover that have no answer yet, by what they ask for and know already. */
export class HeldDiscovers {
  readonly #options: HeldDiscoversOptions;
  readonly #timers: Timers<HeldDiscover>;
  /** By caller and question. */
  readonly #calls = new Map<string, HeldDiscover>();
  readonly #groups = new Map<string, Group>();

  constructor(options: HeldDiscoversOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock, 100);
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Another call of the same node for the same takes its place. */
  displace(id: string, { key }: DiscoverQuestion, answer: DiscoverReply): void {
    this.#calls.get(callOf(id, key))?.end(answer);
  }

  hold(id: string, question: DiscoverQuestion, known: string, signal: AbortSignal): Promise<DiscoverAnswer> {
    const { clock, random, replyTo } = this.#options;
    const { promise, resolve } = Promise.withResolvers<DiscoverAnswer>();
    const key = callOf(id, question.key);
    const group = this.#groupOf(question, known);
    const onAbort = (): void => call.end(UNREAD);
    const ended = (answer: DiscoverAnswer): void => {
      signal.removeEventListener("abort", onAbort);
      this.#timers.clear(call);
      if (this.#calls.get(key) === call) this.#calls.delete(key);
      this.#leave(group, call);
      resolve(answer);
    };
    const call = new HeldDiscover(ended, () => call.end(replyTo(question)));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#calls.set(key, call);
    group.calls.add(call);
    const { leastMs, mostMs } = HELD_DISCOVERY;
    this.#timers.set(call, clock.nowMs() + leastMs + random.next() * (mostMs - leastMs));
    return promise;
  }

  /** Answers all to whom it is news, some hundreds in a turn; each group is looked at once. */
  async release(): Promise<void> {
    let left = A_TURN;
    for (const group of this.#groups.values()) {
      const reply = this.#options.replyTo(group.question);
      const calls = reply.digest === group.known ? [] : group.calls;
      if (--left === 0) left = await this.#nextTurn();
      for (const call of calls) {
        call.end(reply);
        if (--left === 0) left = await this.#nextTurn();
      }
    }
  }

  /** Answers all, now. */
  endAll(answerTo: (question: DiscoverQuestion, known: string) => DiscoverAnswer): void {
    for (const { question, known, calls } of this.#groups.values()) {
      const answer = answerTo(question, known);
      for (const call of calls) call.end(answer);
    }
  }

  async #nextTurn(): Promise<number> {
    await new Promise<void>((resolve) => this.#options.clock.after(0, resolve));
    return A_TURN;
  }

  #groupOf(question: DiscoverQuestion, known: string): Group {
    const key = callOf(known, question.key);
    const there = this.#groups.get(key);
    if (there !== undefined) return there;
    const group = { key, question, known, calls: new Set<HeldDiscover>() };
    this.#groups.set(key, group);
    return group;
  }

  #leave(group: Group, call: HeldDiscover): void {
    group.calls.delete(call);
    if (group.calls.size === 0 && this.#groups.get(group.key) === group) this.#groups.delete(group.key);
  }
}

class HeldDiscover implements Timer {
  heapIndex = -1;
  readonly #ended: (answer: DiscoverAnswer) => void;
  readonly fire: () => void;
  #isEnded = false;

  constructor(ended: (answer: DiscoverAnswer) => void, fire: () => void) {
    this.#ended = ended;
    this.fire = fire;
  }

  end(answer: DiscoverAnswer): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#ended(answer);
  }
}

/** Ids and digests have no line feed. */
function callOf(who: string, question: string): string {
  return `${who}\n${question}`;
}
