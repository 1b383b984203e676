import { formatAddress, isWildcardHost, parseAddress } from "../../config/schema/address.ts";
import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { isoTime } from "../../core/iso-time.ts";
import {
  type FoundMember,
  type FoundMembers,
  LEFT_OUT_MESSAGE,
  membersKey,
  type MembersPlan,
} from "../../plan/members.ts";
import type { Env } from "../../telemetry/env.ts";
import { FLEET_BOUNDS } from "./bounds.ts";
import type { CallOutcome, RefusedCall } from "./controller-link.ts";
import { isDialable, isLoopback } from "./listener-address.ts";
import { LostMembers } from "./lost-members.ts";
import type { DiscoverReply, MemberSelection, MemberSet } from "./messages.ts";

interface MemberFollowerOptions extends Pick<Env, "clock" | "log" | "random"> {
  /** Of this node, which is never found. */
  readonly id: string;
  /** Where it takes data itself: who says that it is there, too, is on another machine. */
  readonly ownAddresses: () => readonly string[];
  /** As in its Reports: who is on another one is not reached at 127.0.0.1. */
  readonly host: string;
  /** Who was found before this process began: until a controller tells more. */
  readonly first?: readonly FoundMembers[];
  /** Who is found, by all that is selected. Must not throw. */
  readonly told: (found: readonly FoundMembers[]) => void;
}

/** What a controller is asked for. */
export interface MemberQuestion {
  readonly wanted: MemberSelection[];
  readonly known?: string;
  readonly kept?: string[];
}

/** `host`: of a loopback address, where that leads to it. */
type MemberAt = FoundMember & { readonly host?: string | undefined };

/** Asks it. As the calls of a link, it never rejects. */
export type AskMembers = (question: MemberQuestion, signal: AbortSignal) => Promise<CallOutcome<DiscoverReply>>;

/** A call that was answered sooner was not held: with nothing new in it, the next one waits. */
const HELD_MS = 4_000;
const PAUSE = { firstMs: 500, longestMs: 30_000 } as const;
/**
 * What is news to all of a region all ask for again: a controller takes so many a second beside its
 * other work. In a small region that is no time at all.
 */
const ASKED_A_SECOND = 1_000;
const SPREAD = { leastMs: 20, mostMs: 10_000 } as const;
const QUIET_MS = 600_000;
/** So long nobody is found before it is told: all may be starting. */
const NO_MEMBER_MS = 15_000;

/**
 * Which members of the fleet the targets of this node stand for, as its controller tells. What is
 * known stays while no controller answers.
 */
export class MemberFollower {
  readonly #options: MemberFollowerOptions;
  #wanted: readonly MembersPlan[] = [];
  #found = new Map<string, readonly FoundMember[]>();
  readonly #first: Map<string, readonly FoundMember[]>;
  #unused = new Map<string, number>();
  #lost = new Map<string, LostMembers>();
  /** Selections that find nobody, and when that was seen first. */
  readonly #nobody = new Map<string, number>();
  /** Those that are used, and of whom a controller that has not heard of all tells nothing. */
  readonly #unheard = new Map<string, readonly string[]>();
  /** Of the last answer to what is wanted now. */
  #known: string | undefined;
  #changed = new AbortController();

  constructor(options: MemberFollowerOptions) {
    this.#options = options;
    this.#first = new Map(options.first?.map(({ of, members }) => [of, members]));
  }

  /**
   * Members that are used, those of them that are only kept, and those that fit and are too many;
   * of all selections together.
   */
  get counts(): { readonly used: number; readonly kept: number; readonly unused: number } {
    return {
      kept: sum([...this.#lost.values()].map(({ kept }) => kept)),
      used: sum([...this.#found.values()].map(({ length }) => length)),
      unused: sum([...this.#unused.values()]),
    };
  }

  /** For people: what is looked for and not found, and since when. Empty: nothing is missing. */
  get missing(): string {
    const nowMs = this.#options.clock.nowMs();
    return this.#wanted
      .flatMap((plan) => {
        const sinceMs = this.#nobody.get(membersKey(plan));
        if (sinceMs === undefined || nowMs - sinceMs < NO_MEMBER_MS) return [];
        return `for ${Math.round((nowMs - sinceMs) / 1_000)} s no node is found that listens for ${plan.listener} in ${sought(plan)}`;
      })
      .join("; ");
  }

  /** From now on these are looked for. */
  want(wanted: readonly MembersPlan[]): void {
    const others = wanted.filter(({ isSelf }) => !isSelf);
    const byKey = new Map(others.map((one) => [membersKey(one), one]));
    const before = this.#wanted.map(membersKey);
    if (before.length === byKey.size && before.every((key) => byKey.has(key))) return;
    this.#wanted = [...byKey.values()].slice(0, FLEET_BOUNDS.selections);
    for (const key of before) {
      if (byKey.has(key)) continue;
      this.#found.delete(key);
      this.#unused.delete(key);
      this.#lost.delete(key);
      this.#unheard.delete(key);
      this.#nobody.delete(key);
    }
    for (const key of byKey.keys()) this.#takeFirst(key);
    this.#noteMissing();
    this.#known = undefined;
    this.#tell();
    this.#changed.abort(new RouterError("INTERRUPTED", "others are wanted"));
    this.#changed = new AbortController();
  }

  /**
   * One controller, until the signal ends it. Never rejects. `collectors`: how many ask it, as far
   * as that is known.
   */
  async run(ask: AskMembers, signal: AbortSignal, collectors: () => number = () => 1): Promise<void> {
    const { clock } = this.#options;
    this.#known = undefined;
    for (let idle = 0; !signal.aborted; ) {
      const either = AbortSignal.any([signal, this.#changed.signal]);
      if (this.#wanted.length === 0) await aborted(either);
      else {
        const begunMs = clock.nowMs();
        const isNews = await this.#ask(ask, either);
        if (either.aborted || isNews || (isNews === false && clock.nowMs() - begunMs >= HELD_MS)) idle = 0;
        else idle++;
        const pauseMs = isNews === true ? this.#spreadMs(collectors()) : this.#backoffMs(idle);
        if (pauseMs > 0) await sleep(clock, pauseMs, either).catch(() => undefined);
      }
    }
  }

  #spreadMs(collectors: number): number {
    const longestMs = Math.min(SPREAD.mostMs, (collectors / ASKED_A_SECOND) * 1_000);
    return longestMs < SPREAD.leastMs ? 0 : longestMs * this.#options.random.next();
  }

  #backoffMs(idle: number): number {
    if (idle === 0) return 0;
    const longestMs = Math.min(PAUSE.longestMs, PAUSE.firstMs * 2 ** Math.min(idle - 1, 10));
    return longestMs * (0.5 + 0.5 * this.#options.random.next());
  }

  /** Whether it told something new; undefined: nothing at all. */
  async #ask(ask: AskMembers, signal: AbortSignal): Promise<boolean | undefined> {
    const asked = this.#wanted;
    const wanted = asked.map(({ region, tags, listener }) => ({ region, tags, listener }));
    const kept = this.#keptIds();
    const more = { ...(this.#known !== undefined && { known: this.#known }), ...(kept.length > 0 && { kept }) };
    const outcome = await ask({ wanted, ...more }, signal);
    if (signal.aborted || asked !== this.#wanted) return undefined;
    if (outcome.kind === "refused") this.#tellRefused(outcome.why, outcome.reason);
    if (outcome.kind !== "reply") return undefined;
    const { digest, found } = outcome.reply;
    const isNews = digest !== this.#known;
    this.#known = digest;
    for (const [i, plan] of asked.entries()) this.#take(plan, found[i]);
    this.#noteMissing();
    this.#tell();
    return isNews;
  }

  #noteMissing(): void {
    const { clock, log } = this.#options;
    const nowMs = clock.nowMs();
    for (const plan of this.#wanted) {
      const { region, tags, listener } = plan;
      const key = membersKey(plan);
      if ((this.#found.get(key)?.length ?? 0) > 0) {
        this.#nobody.delete(key);
        continue;
      }
      const sinceMs = this.#nobody.get(key) ?? nowMs;
      this.#nobody.set(key, sinceMs);
      if (nowMs - sinceMs < NO_MEMBER_MS) continue;
      log.limited(`nobody ${key}`, QUIET_MS)?.warn(NO_MEMBER_MESSAGE, {
        kind: "member",
        region,
        tags,
        listener,
        since: isoTime(clock.wallMs() - (nowMs - sinceMs)),
        hint: "see TAGS and REGION of signalbox topology: let nodes have these tags and this listener, or select others",
      });
    }
  }

  /** It has heard of some of them, perhaps: that they are others now. */
  #keptIds(): string[] {
    return [...new Set([...this.#unheard.values()].flat())].toSorted().slice(0, FLEET_BOUNDS.found);
  }

  #takeFirst(key: string): void {
    const first = this.#first.get(key);
    this.#first.delete(key);
    if (first === undefined || this.#found.has(key)) return;
    const members = this.#usable(first);
    if (members.length > 0) this.#found.set(key, members);
  }

  #tell(): void {
    this.#options.told([...this.#found].map(([of, members]) => ({ of, members })));
  }

  #take(plan: MembersPlan, set: MemberSet | undefined): void {
    if (set === undefined) return;
    const key = membersKey(plan);
    const members = this.#usable(set.members);
    const known = this.#found.get(key);
    if (set.is_learning && known === undefined && members.length === 0) return;
    // Whoever has not heard of all of them says nothing against those that were there.
    const kept = this.#keep(plan, key, set);
    this.#unheard.set(key, set.is_learning ? kept.map(({ id }) => id) : []);
    const all = [...members, ...kept].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.#found.set(key, all.slice(0, FLEET_BOUNDS.found));
    this.#tellUnused(plan, key, Math.max(0, set.total - FLEET_BOUNDS.found));
  }

  #keep({ region, tags }: MembersPlan, key: string, set: MemberSet): readonly FoundMember[] {
    const lost = this.#lost.get(key) ?? new LostMembers();
    this.#lost.set(key, lost);
    const before = lost.kept;
    const members = lost.keep(this.#found.get(key) ?? [], set, this.#options.clock.nowMs());
    if (before === 0 && lost.kept > 0) {
      this.#options.log.warn("most members of the fleet went together without a goodbye: they are kept for a while", {
        kind: "member",
        region,
        tags,
        kept: lost.kept,
        hint: "look whether they reach the controller of their region: signalbox topology",
      });
    }
    return members;
  }

  /** As the data plane has them, without those that cannot be sent to: that is told. */
  #usable(members: readonly MemberAt[]): readonly FoundMember[] {
    const { id: own, ownAddresses } = this.#options;
    const taken = new Set(ownAddresses());
    const usable = members.filter((one) => one.id !== own && this.#isUsable(one, taken));
    return usable.map(({ id, address, utilization }) => ({ id, address, utilization }));
  }

  #isUsable({ id, address, host }: MemberAt, own: ReadonlySet<string>): boolean {
    // An older controller tells of those, too, that nobody can dial.
    if (!isDialable(address)) {
      return this.#leaveOut(id, address, "its address cannot be dialled", "see node.fleet.advertise there");
    }
    if (own.has(address)) return this.#leaveOut(id, address, "it has the address of this node", ELSEWHERE);
    if (host === undefined || host === this.#options.host || !isLoopback(address)) return true;
    return this.#leaveOut(id, address, "only its own host reaches its address", ELSEWHERE);
  }

  /** Else what is for it would come to another node, this one itself perhaps. */
  #leaveOut(member: string, address: string, reason: string, hint: string): false {
    this.#options.log
      .limited(`left-out ${member} ${address}`, QUIET_MS)
      ?.warn(LEFT_OUT_MESSAGE, { kind: "member", member, address, reason, hint });
    return false;
  }

  /** Once, not with every answer. */
  #tellUnused({ region, tags }: MembersPlan, key: string, unused: number): void {
    if (unused > 0 && (this.#unused.get(key) ?? 0) === 0) {
      this.#options.log.warn(`more than ${FLEET_BOUNDS.found} members of the fleet fit: the first by id are used`, {
        kind: "member",
        region,
        tags,
        unused,
        hint: "select fewer by their tags",
      });
    }
    this.#unused.set(key, unused);
  }

  #tellRefused(why: RefusedCall, reason: string): void {
    this.#options.log
      .limited("members-refused", QUIET_MS)
      ?.warn("the controller does not tell of members of the fleet: what is known of them stays", {
        kind: "member",
        why,
        reason,
        hint: HINTS[why],
      });
  }
}

const NO_MEMBER_MESSAGE = "no member of the fleet fits what a target by collectors looks for: it has nobody to send to";

function sought({ region, tags }: MembersPlan): string {
  const globs = Object.entries(tags).map(([tag, glob]) => `${tag}=${glob}`);
  return `region ${region}${globs.length === 0 ? "" : ` with ${globs.join(", ")}`}`;
}

const ELSEWHERE = "let it listen on an address that other machines reach, or on 0.0.0.0";
const HINTS: Readonly<Record<RefusedCall, string>> = {
  unauthenticated: "see node.fleet.token: it has to be the fleet's",
  not_allowed: "see node.fleet.tls: the certificate has to name the node's id",
  invalid: "nodes and controllers may be of versions that do not understand each other: signalbox topology",
  too_large: "select nodes in fewer ways, or by fewer and shorter tags",
  unknown_call: "an older controller cannot: upgrade controllers first",
  fault: "see the log of the controller",
};

/**
 * As addresses that are the same are written alike. `hosts`: of the machine, as others may reach
 * it.
 */
export function sameMachine(addresses: readonly string[], hosts: readonly string[]): string[] {
  return addresses.flatMap((address) => {
    const parsed = parseAddress(address);
    if (parsed === undefined || !isWildcardHost(parsed.host)) return [address];
    const { port } = parsed;
    const all = ["127.0.0.1", "::1", "localhost", ...hosts];
    return [address, ...all.map((host) => formatAddress({ host, port }))];
  });
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
