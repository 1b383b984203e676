import { parseAddress } from "../../config/schema/address.ts";
import { type Clock, sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { type FoundMember, type FoundMembers, membersKey, type MembersPlan } from "../../plan/members.ts";
import type { Log } from "../../telemetry/log.ts";
import { FLEET_BOUNDS } from "./bounds.ts";
import type { CallOutcome } from "./controller-link.ts";
import { isDialable } from "./listener-address.ts";
import { LostMembers } from "./lost-members.ts";
import type { DiscoverReply, MemberSelection, MemberSet } from "./messages.ts";

export interface MemberFollowerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of this node, which is never found. */
  readonly id: string;
  /** Where it takes data itself: who says that it is there, too, is on another machine. */
  readonly ownAddresses: () => readonly string[];
  /** Who was found before this process began: until a controller tells more. */
  readonly first?: readonly FoundMembers[];
  /** Who is found, by all that is selected. Must not throw. */
  readonly told: (found: readonly FoundMembers[]) => void;
}

/** What a controller is asked for. */
export interface MemberQuestion {
  readonly wanted: MemberSelection[];
  readonly known?: string;
}

/** Asks it. As the calls of a link, it never rejects. */
export type AskMembers = (question: MemberQuestion, signal: AbortSignal) => Promise<CallOutcome<DiscoverReply>>;

/** A call that was answered sooner was not held: with nothing new in it, the next one waits. */
const HELD_MS = 4_000;
const PAUSE = { firstMs: 500, longestMs: 30_000 } as const;
const QUIET_MS = 600_000;

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
    }
    for (const key of byKey.keys()) this.#takeFirst(key);
    this.#known = undefined;
    this.#tell();
    this.#changed.abort(new RouterError("INTERRUPTED", "others are wanted"));
    this.#changed = new AbortController();
  }

  /** One controller, until the signal ends it. Never rejects. */
  async run(ask: AskMembers, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    this.#known = undefined;
    for (let idle = 0; !signal.aborted; ) {
      const either = AbortSignal.any([signal, this.#changed.signal]);
      if (this.#wanted.length === 0) await aborted(either);
      else {
        const begunMs = clock.nowMs();
        const isNews = await this.#ask(ask, either);
        if (either.aborted || isNews || (isNews === false && clock.nowMs() - begunMs >= HELD_MS)) idle = 0;
        else idle++;
        const pauseMs = idle === 0 ? 0 : Math.min(PAUSE.longestMs, PAUSE.firstMs * 2 ** Math.min(idle - 1, 10));
        if (pauseMs > 0) await sleep(clock, pauseMs * (0.5 + 0.5 * random.next()), either).catch(() => undefined);
      }
    }
  }

  /** Whether it told something new; undefined: nothing at all. */
  async #ask(ask: AskMembers, signal: AbortSignal): Promise<boolean | undefined> {
    const asked = this.#wanted;
    const wanted = asked.map(({ region, tags, listener }) => ({ region, tags, listener }));
    const outcome = await ask({ wanted, ...(this.#known !== undefined && { known: this.#known }) }, signal);
    if (signal.aborted || asked !== this.#wanted) return undefined;
    if (outcome.kind === "refused") this.#tellRefused(outcome.reason);
    if (outcome.kind !== "reply") return undefined;
    const { digest, found } = outcome.reply;
    const isNews = digest !== this.#known;
    this.#known = digest;
    for (const [i, plan] of asked.entries()) this.#take(plan, found[i]);
    this.#tell();
    return isNews;
  }

  #takeFirst(key: string): void {
    const first = this.#first.get(key);
    this.#first.delete(key);
    if (first === undefined || this.#found.has(key)) return;
    const { id: own } = this.#options;
    const members = first.filter(({ id, address }) => id !== own && this.#isUsable(address, id));
    if (members.length > 0) this.#found.set(key, members);
  }

  #tell(): void {
    this.#options.told([...this.#found].map(([of, members]) => ({ of, members })));
  }

  #take(plan: MembersPlan, set: MemberSet | undefined): void {
    if (set === undefined) return;
    const key = membersKey(plan);
    const { id: own } = this.#options;
    const members = set.members.filter(({ id, address }) => id !== own && this.#isUsable(address, id));
    const known = this.#found.get(key);
    if (set.is_learning && known === undefined && members.length === 0) return;
    // Whoever has not heard of all of them says nothing against those that were there.
    const kept = this.#keep(plan, key, set);
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

  /** An older controller tells of those, too, that nobody can dial. */
  #isUsable(address: string, id: string): boolean {
    if (isDialable(address)) return !this.#isOwn(address, id);
    this.#options.log
      .limited(`no-address ${id}`, QUIET_MS)
      ?.warn("a member of the fleet has an address that cannot be dialled: it is not sent to", {
        kind: "member",
        member: id,
        address,
        hint: "see node.fleet.advertise there",
      });
    return false;
  }

  /** Else it would send to itself what is for a node that has its address on another machine. */
  #isOwn(address: string, id: string): boolean {
    if (!this.#options.ownAddresses().includes(address)) return false;
    const hint = "let it listen on an address that other machines reach, or on 0.0.0.0";
    this.#options.log
      .limited(`own-address ${id}`, QUIET_MS)
      ?.warn("a member of the fleet says that it is where this node is: it is not sent to", {
        kind: "member",
        member: id,
        address,
        hint,
      });
    return true;
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

  #tellRefused(reason: string): void {
    this.#options.log
      .limited("members-refused", QUIET_MS)
      ?.warn("the controller does not tell of members of the fleet: what is known of them stays", {
        kind: "member",
        reason,
        hint: "an older controller cannot: upgrade controllers first",
      });
  }
}

/** As addresses that are the same are written alike. */
export function sameMachine(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => {
    const parsed = parseAddress(address);
    if (parsed === undefined || (parsed.host !== "0.0.0.0" && parsed.host !== "::")) return [address];
    const { port } = parsed;
    return [address, `127.0.0.1:${port}`, `[::1]:${port}`, `localhost:${port}`];
  });
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
