import type { Cancel } from "../../core/clock.ts";
import { dropOldest } from "../../core/drop-oldest.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import { digestOf } from "../fleet/directive.ts";
import {
  type CollectorReport,
  type DiscoverReply,
  type DiscoverRequest,
  FLEET_PROTOCOL,
  type MemberSelection,
  type MemberSet,
  type NotLeader,
} from "../fleet/messages.ts";
import type { CollectorTable } from "./collector-table.ts";
import type { TellBound } from "./discover-bounds.ts";
import { type DiscoverAnswer, HeldDiscovers, type DiscoverQuestion } from "./held-discovers.ts";
import { SoughtMembers } from "./sought-members.ts";

/** Of other regions; undefined: it is not known yet. */
export interface OtherRegions {
  find(selection: MemberSelection): MemberSet | undefined;
}

interface MemberDiscoveryOptions extends TimeAndChance {
  readonly region: string;
  readonly table: Pick<CollectorTable, "get" | typeof Symbol.iterator>;
  readonly others: OtherRegions | undefined;
  /** So long not all have reported that are there. */
  readonly learningMs: number;
  /** Calls that are held. */
  readonly most: number;
  readonly bounded: TellBound;
}

/** Many come and go together: who asks is told in so few steps. */
const APART_MS = 250;
/** What is said of loads is no older. */
const FRESH_MS = 1_000;
/** Of all who ask together. */
const MOST_SELECTIONS = 256;
/** Who has left while nobody looked for it: so many are remembered. */
const MOST_LEFT = 1_024;

interface Answered {
  readonly reply: DiscoverReply;
  readonly atMs: number;
  readonly version: number;
}

/**
 * Tells those who look for members of the fleet which there are, as soon as that is another answer.
 * What many ask for is found once, kept as members come and go, and written once; who comes or goes
 * and fits nothing that is asked for changes nothing.
 */
export class MemberDiscovery {
  readonly #options: MemberDiscoveryOptions;
  readonly #begunMs: number;
  readonly #held: HeldDiscovers;
  /** By what is selected, and by all that is asked together: those asked for last come last. */
  readonly #sought = new Map<string, SoughtMembers>();
  readonly #answers = new Map<string, Answered>();
  /** Who has said goodbye, for what is asked for later. */
  readonly #left = new Map<string, { readonly report: CollectorReport; readonly atMs: number }>();
  /** Whom somebody keeps while it learns, and who have not been heard since. */
  readonly #kept = new Set<string>();
  readonly #cancelLearning: Cancel;
  #version = 0;
  #refreshedMs = Number.NEGATIVE_INFINITY;
  #refreshedVersion = 0;
  #nextRefresh: Cancel | undefined;
  #isTelling = false;

  constructor(options: MemberDiscoveryOptions) {
    const { clock, random, learningMs } = options;
    this.#options = options;
    this.#begunMs = clock.nowMs();
    this.#held = new HeldDiscovers({ clock, random, replyTo: (question) => this.#replyTo(question) });
    this.#cancelLearning = clock.after(learningMs, () => this.#learnt());
  }

  get waiting(): number {
    return this.#held.size;
  }

  /**
   * Held while it is what is known. Another call of the same node for the same takes its place: a
   * controller asks for one thing after another in the name of its nodes.
   */
  async discover({ id, wanted, known, kept = [] }: DiscoverRequest, signal: AbortSignal): Promise<DiscoverAnswer> {
    const { most, bounded, region } = this.#options;
    const question = { key: JSON.stringify([wanted, kept]), wanted, kept };
    if (this.#isLearning) this.#keep(kept);
    const reply = this.#replyTo(question);
    this.#held.displace(id, question, reply);
    if (known !== reply.digest || signal.aborted) return reply;
    if (this.#held.size < most) return this.#held.hold(id, question, known, signal);
    bounded("held", region);
    return reply;
  }

  /** Somebody has come, or says something else than before. */
  heard(report: CollectorReport): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#kept.delete(report.id)) this.#changed();
    this.#changedIf((sought) => sought.hear(report, nowMs));
  }

  /** It is not heard any more. */
  gone(id: string): void {
    this.#changedIf((sought) => sought.gone(id));
  }

  /** It has said goodbye. `report`: its last one. */
  left(report: CollectorReport): void {
    const { clock, bounded, region } = this.#options;
    const atMs = clock.nowMs();
    this.#left.delete(report.id);
    this.#left.set(report.id, { report, atMs });
    if (dropOldest(this.#left, MOST_LEFT)) bounded("left", region);
    this.#changedIf((sought) => sought.goodbye(report, atMs));
  }

  /** Members of another region are others now. */
  othersChanged(): void {
    this.#changed();
  }

  /**
   * Answers all, and holds nobody any more. Who is not told yet of what came last is told that: it
   * may be the goodbye of this very node.
   */
  end(answer: NotLeader): void {
    const isNews = this.#isTelling || this.#version !== this.#refreshedVersion;
    this.#nextRefresh?.();
    this.#cancelLearning();
    this.#held.endAll((question, known) => {
      const reply = isNews ? this.#replyTo(question) : undefined;
      return reply === undefined || reply.digest === known ? answer : reply;
    });
  }

  get #isLearning(): boolean {
    return this.#options.clock.nowMs() - this.#begunMs < this.#options.learningMs;
  }

  #learnt(): void {
    this.#kept.clear();
    this.#changed();
  }

  /** No more than can be there. */
  #keep(ids: readonly string[]): void {
    const { table, most } = this.#options;
    for (const id of ids) if (this.#kept.size < most && table.get(id) === undefined) this.#kept.add(id);
  }

  #changedIf(isChanged: (sought: SoughtMembers) => boolean): void {
    let changes = false;
    for (const sought of this.#sought.values()) if (isChanged(sought)) changes = true;
    if (changes) this.#changed();
  }

  #changed(): void {
    this.#version++;
    this.#refreshSoon();
  }

  #refreshSoon(): void {
    if (this.#nextRefresh !== undefined || this.#isTelling || this.#held.size === 0) return;
    const { clock } = this.#options;
    const waitMs = Math.max(0, this.#refreshedMs + APART_MS - clock.nowMs());
    this.#nextRefresh = clock.after(waitMs, () => void this.#refresh());
  }

  /** What comes meanwhile is looked at afterwards. */
  async #refresh(): Promise<void> {
    this.#nextRefresh = undefined;
    this.#refreshedMs = this.#options.clock.nowMs();
    this.#refreshedVersion = this.#version;
    this.#isTelling = true;
    await this.#held.release();
    this.#isTelling = false;
    if (this.#refreshedVersion !== this.#version) this.#refreshSoon();
  }

  #replyTo({ key, wanted, kept }: DiscoverQuestion): DiscoverReply {
    const nowMs = this.#options.clock.nowMs();
    const known = this.#answers.get(key);
    if (known?.version === this.#version && nowMs - known.atMs < FRESH_MS) return known.reply;
    const found = wanted.map((selection) => this.#find(selection, kept, nowMs));
    const reply = { protocol: FLEET_PROTOCOL, digest: digestOf(JSON.stringify(found.map(newsIn))), found };
    this.#answers.delete(key);
    this.#answers.set(key, { reply, atMs: nowMs, version: this.#version });
    dropOldest(this.#answers, MOST_SELECTIONS);
    return reply;
  }

  #find(selection: MemberSelection, kept: readonly string[], nowMs: number): MemberSet {
    const { region, table, others, bounded } = this.#options;
    if (selection.region !== region) return others?.find(selection) ?? NOT_KNOWN;
    const { left, ...found } = this.#soughtBy(selection).set((id) => table.get(id)?.report, nowMs, this.#isLearning);
    if (left.length > FLEET_BOUNDS.found) bounded("left", region);
    const all = this.#isLearning ? new Set([...this.#unfit(kept, found.members), ...left]) : left;
    return { ...found, is_learning: this.#isLearning, left: [...all].slice(0, FLEET_BOUNDS.found) };
  }

  /** Who has been heard, and is somebody else now than by what the controller before has told. */
  #unfit(kept: readonly string[], members: MemberSet["members"]): readonly string[] {
    const there = new Set(members.map(({ id }) => id));
    return kept.filter((id) => !there.has(id) && this.#options.table.get(id) !== undefined);
  }

  #soughtBy(selection: MemberSelection): SoughtMembers {
    const key = JSON.stringify(selection);
    const sought = this.#sought.get(key) ?? this.#seek(selection);
    this.#sought.delete(key);
    this.#sought.set(key, sought);
    if (dropOldest(this.#sought, MOST_SELECTIONS)) this.#options.bounded("selections", selection.region);
    return sought;
  }

  /** The only time that all are looked at. */
  #seek(selection: MemberSelection): SoughtMembers {
    const sought = new SoughtMembers(selection);
    for (const { report, atMs } of this.#left.values()) sought.goodbye(report, atMs);
    const nowMs = this.#options.clock.nowMs();
    for (const { report } of this.#options.table) sought.hear(report, nowMs);
    return sought;
  }
}

const NOT_KNOWN: MemberSet = { members: [], total: 0, is_learning: true, left: [] };

/** What of it is news: not loads, nor how many there are of whom only the first are used. */
function newsIn({ members, total, is_learning, left }: MemberSet): unknown {
  const who = members.map(({ id, address, host }) => [id, address, host]);
  // Later whoever leaves is missed, and no others are told of it.
  return [who, Math.min(total, FLEET_BOUNDS.found + 1), is_learning, is_learning ? left : []];
}
