import type { Cancel, Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import { digestOf } from "../fleet/directive.ts";
import {
  type DiscoverReply,
  type DiscoverRequest,
  FLEET_PROTOCOL,
  type MemberSelection,
  type MemberSet,
  type NotLeader,
} from "../fleet/messages.ts";
import type { CollectorTable } from "./collector-table.ts";
import { findMembers } from "./find-members.ts";

/** Of other regions; undefined: it is not known yet. */
export interface OtherRegions {
  find(selection: MemberSelection): MemberSet | undefined;
}

export interface MemberDiscoveryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly table: CollectorTable;
  readonly others: OtherRegions | undefined;
  /** So long not all have reported that are there. */
  readonly learningMs: number;
  /** Calls that are held. */
  readonly most: number;
}

export type DiscoverAnswer = DiscoverReply | NotLeader;

/** So long a call is held, while only loads are other ones. */
export const HELD_DISCOVERY = { leastMs: 8_000, mostMs: 12_000 } as const;
/** Many come and go together: who asks is told in so few steps. */
const APART_MS = 250;
/** What is said of loads is no older. */
const FRESH_MS = 1_000;
/** Of a goodbye is told so long: longer than any call is held. */
const LEFT_MS = 60_000;
/** In one turn, as what waits for directives. */
const A_TURN = 200;
/** Of all who ask together. */
const MOST_SELECTIONS = 256;

interface Answered {
  readonly set: MemberSet;
  readonly digest: string;
  readonly atMs: number;
  readonly version: number;
}

interface HeldDiscover {
  readonly request: DiscoverRequest;
  readonly end: (answer: DiscoverAnswer) => void;
}

/**
 * Tells those who look for members of the fleet which there are, as soon as that is another answer.
 * What many ask for is looked up once.
 */
export class MemberDiscovery {
  readonly #options: MemberDiscoveryOptions;
  readonly #begunMs: number;
  readonly #held = new Map<string, HeldDiscover>();
  readonly #answers = new Map<string, Answered>();
  /** Who has said goodbye, and when: those of long ago are told only while it learns. */
  readonly #left = new Map<string, number>();
  readonly #cancelLearning: Cancel;
  #version = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Cancel | undefined;

  constructor(options: MemberDiscoveryOptions) {
    this.#options = options;
    this.#begunMs = options.clock.nowMs();
    this.#cancelLearning = options.clock.after(options.learningMs, () => this.changed());
  }

  get waiting(): number {
    return this.#held.size;
  }

  /**
   * Held while it is what is known. Another call of the same node for the same takes its place: a
   * controller asks for one thing after another in the name of its nodes.
   */
  async discover(request: DiscoverRequest, signal: AbortSignal): Promise<DiscoverAnswer> {
    const reply = this.#replyTo(request);
    this.#held.get(callOf(request))?.end(reply);
    if (request.known !== reply.digest || this.#held.size >= this.#options.most || signal.aborted) return reply;
    return this.#hold(request, signal);
  }

  /** Somebody has come or gone, or is to be found otherwise. */
  changed(): void {
    this.#version++;
    if (this.#looking !== undefined || this.#held.size === 0) return;
    const { clock } = this.#options;
    this.#looking = clock.after(Math.max(0, this.#lookedMs + APART_MS - clock.nowMs()), () => this.#look());
  }

  /** It has said goodbye. */
  left(id: string): void {
    const { clock } = this.#options;
    this.#left.delete(id);
    this.#left.set(id, clock.nowMs());
    for (const oldest of this.#left.keys()) if (this.#left.size > FLEET_BOUNDS.found) this.#left.delete(oldest);
    this.changed();
  }

  /** Answers all, and holds nobody any more. */
  end(answer: NotLeader): void {
    this.#looking?.();
    this.#cancelLearning();
    for (const call of this.#held.values()) call.end(answer);
  }

  get #isLearning(): boolean {
    return this.#options.clock.nowMs() - this.#begunMs < this.#options.learningMs;
  }

  #hold(request: DiscoverRequest, signal: AbortSignal): Promise<DiscoverAnswer> {
    const { clock, random } = this.#options;
    const { promise, resolve } = Promise.withResolvers<DiscoverAnswer>();
    const key = callOf(request);
    const onAbort = (): void => end(this.#replyTo(request));
    const end = (answer: DiscoverAnswer): void => {
      signal.removeEventListener("abort", onAbort);
      cancel();
      if (this.#held.get(key) === call) this.#held.delete(key);
      resolve(answer);
    };
    const call: HeldDiscover = { request, end };
    const { leastMs, mostMs } = HELD_DISCOVERY;
    const cancel = clock.after(leastMs + random.next() * (mostMs - leastMs), () => end(this.#replyTo(request)));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#held.set(key, call);
    return promise;
  }

  /** What comes meanwhile is looked at in another turn. */
  #look(): void {
    const { clock } = this.#options;
    this.#lookedMs = clock.nowMs();
    const version = this.#version;
    let left = A_TURN;
    for (const { request, end } of this.#held.values()) {
      if (left === 0) break;
      const reply = this.#replyTo(request);
      if (reply.digest === request.known) continue;
      left--;
      end(reply);
    }
    this.#looking = undefined;
    if (left === 0) this.#looking = clock.after(0, () => this.#look());
    else if (version !== this.#version) this.changed();
  }

  #replyTo({ wanted }: DiscoverRequest): DiscoverReply {
    const answers = wanted.map((selection) => this.#answerOf(selection));
    const digest = digestOf(answers.map((one) => one.digest).join(" "));
    return { protocol: FLEET_PROTOCOL, digest, found: answers.map(({ set }) => set) };
  }

  #answerOf(selection: MemberSelection): Answered {
    const nowMs = this.#options.clock.nowMs();
    const key = JSON.stringify(selection);
    const known = this.#answers.get(key);
    if (known?.version === this.#version && nowMs - known.atMs < FRESH_MS) return known;
    const set = this.#find(selection);
    const who = set.members.map(({ id, address }) => [id, address]);
    // Later whoever leaves is missed, and no others are told of it.
    const left = set.is_learning ? set.left : [];
    const digest = digestOf(JSON.stringify([who, set.total, set.is_learning, left]));
    const answer = { set, digest, atMs: nowMs, version: this.#version };
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    for (const oldest of this.#answers.keys()) if (this.#answers.size > MOST_SELECTIONS) this.#answers.delete(oldest);
    return answer;
  }

  #find(selection: MemberSelection): MemberSet {
    const { region, table, others } = this.#options;
    if (selection.region !== region) return others?.find(selection) ?? NOT_KNOWN;
    const found = findMembers(table, selection);
    return { ...found, is_learning: this.#isLearning, left: this.#leftOf(found) };
  }

  #leftOf({ members, left }: MemberSet): string[] {
    const sinceMs = this.#isLearning ? Number.NEGATIVE_INFINITY : this.#options.clock.nowMs() - LEFT_MS;
    const gone = [...this.#left].flatMap(([id, atMs]) => (atMs >= sinceMs ? [id] : []));
    const there = new Set(members.map(({ id }) => id));
    return [...new Set([...left, ...gone])].filter((id) => !there.has(id)).slice(0, FLEET_BOUNDS.found);
  }
}

const NOT_KNOWN: MemberSet = { members: [], total: 0, is_learning: true, left: [] };

/** Who asks, and for what. */
function callOf({ id, wanted }: DiscoverRequest): string {
  return JSON.stringify([id, wanted]);
}
