import type { Cancel } from "../../core/clock.ts";
import { partName, placeIn } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { ToldPart } from "../health/told-health.ts";
import type { MemberBoard } from "../resolve/member-board.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { MemberFinder } from "./member-finder.ts";
import { NameFinder } from "./name-finder.ts";
import { noMember } from "./no-member.ts";
import { NO_PART, type PartFinder, type TellParts, type WantedPart } from "./part-finder.ts";
import type { PartTarget, InheritedState, Whole } from "./parts.ts";
import { openPart } from "./target.ts";
import type { Joining, TargetEnv } from "./target-port.ts";
import type { TargetClient } from "./target-client.ts";

export interface AddressSetEnv extends TargetEnv {
  readonly resolver: Resolver;
  /** What is told of members of the fleet; none: nobody tells. */
  readonly members?: MemberBoard | undefined;
  readonly openClient: (current: () => TargetPlan) => TargetClient;
  /** Whose parts they are. */
  readonly whole: PartsOwner;
}

/** Who has parts, and is told of them. */
export interface PartsOwner extends Whole {
  /** There are other parts; not told while they are made. */
  partsReplaced(): void;
  /** A part told of something. */
  partChanged(): void;
}

/** So long it is remembered how an address was that is gone. */
const REMEMBERED_MS = 600_000;
const MAX_REMEMBERED = 64;

interface Gone {
  readonly part: PartTarget;
  readonly untilMs: number;
}

/**
 * The parts of a target, one for each address that is used, or each member of the fleet; or one for
 * the name, where the name is dialled: before the first answer, and where only one address is to be
 * used. Parts that are gone end the calls that they have under way.
 */
export class AddressSet {
  readonly #env: AddressSetEnv;
  /** None in a worker: what the target stands for is told. */
  readonly #finder: PartFinder | undefined;
  readonly #gone = new Map<string, Gone>();
  readonly #retiring = new Set<Promise<void>>();
  readonly #unlisten = new Map<PartTarget, Cancel>();
  #plan: TargetPlan;
  #joining: Joining;
  #parts: readonly PartTarget[];

  constructor(plan: TargetPlan, env: AddressSetEnv, joining: Joining) {
    this.#env = env;
    this.#plan = plan;
    this.#joining = joining;
    this.#finder = env.reporter === undefined ? openFinder(plan, env, (wanted) => this.#use(wanted)) : undefined;
    this.#parts = (this.#finder?.first ?? NO_PART).map((wanted) => this.#open(wanted, joining));
    if (nameOf(this.#parts[0]) !== undefined) this.#joining = "later";
  }

  /** At least one. */
  get parts(): readonly PartTarget[] {
    return this.#parts;
  }

  adopt(plan: TargetPlan): void {
    this.#plan = plan;
    for (const part of this.#parts) part.adopt(planAt(plan, wantedOf(part)));
    this.#finder?.adopt(plan);
  }

  /** In a worker: these are the parts that the node uses. */
  obey(told: readonly ToldPart[]): void {
    const wanted = told.map(({ address, place, utilization }) => ({ part: address, place, utilization }));
    if (wanted.length > 0) this.#use(wanted);
  }

  /** Ends the parts; resolves when their calls have ended. */
  async close(): Promise<void> {
    this.#finder?.close();
    for (const part of this.#parts) this.#retire(part);
    this.#gone.clear();
    await Promise.all(this.#retiring);
  }

  #use(wanted: readonly WantedPart[]): void {
    const present = new Map(this.#parts.map((part) => [nameOf(part), part]));
    const kept = (one: WantedPart): PartTarget | undefined => {
      const part = present.get(one.part);
      return part !== undefined && isAt(part, one) ? part : undefined;
    };
    const isSame = wanted.length === present.size && wanted.every((one) => kept(one) !== undefined);
    if (!isSame) this.#replace(present, wanted, kept);
    for (const [i, { utilization }] of wanted.entries()) {
      if (utilization !== undefined) this.#parts[i]!.hearLoad(utilization);
    }
  }

  #replace(
    present: ReadonlyMap<string | undefined, PartTarget>,
    wanted: readonly WantedPart[],
    kept: (one: WantedPart) => PartTarget | undefined,
  ): void {
    const joining = this.#joiningOf(wanted.flatMap((one) => kept(one) ?? []));
    this.#parts = this.#openAll(wanted, kept, joining);
    this.#joining = "later";
    const gone = [...present.values()].filter((part) => !this.#parts.includes(part));
    for (const part of gone) this.#retire(part);
    this.#forgetOld();
    this.#tellChanged(present, gone);
    this.#env.whole.partsReplaced();
  }

  /** All, or none: what was opened before one that cannot be is ended again. */
  #openAll(
    wanted: readonly WantedPart[],
    kept: (one: WantedPart) => PartTarget | undefined,
    joining: Joining,
  ): readonly PartTarget[] {
    const opened: PartTarget[] = [];
    const open = (one: WantedPart): PartTarget => {
      const part = this.#open(one, joining);
      opened.push(part);
      return part;
    };
    try {
      return wanted.map((one) => kept(one) ?? open(one));
    } catch (error) {
      for (const part of opened) this.#retire(part);
      throw error;
    }
  }

  /**
   * What joins has to prove itself while another part works that stays. What takes over from the
   * name is as good as the name was; who comes where nobody was has nobody to stand back for.
   */
  #joiningOf(staying: readonly PartTarget[]): Joining {
    const nowMs = this.#env.clock.nowMs();
    if (staying.some((part) => part.usable(nowMs))) return "later";
    if (nameOf(this.#parts[0]) !== undefined) return "alone";
    const isOpen = this.#plan.members !== undefined || this.#parts.some((part) => part.usable(nowMs));
    return this.#joining === "later" && isOpen ? "alone" : this.#joining;
  }

  #open(wanted: WantedPart, joining: Joining): PartTarget {
    const part = this.#openOne(wanted, joining);
    this.#unlisten.set(
      part,
      part.onChange(() => this.#env.whole.partChanged()),
    );
    return part;
  }

  #openOne(wanted: WantedPart, joining: Joining): PartTarget {
    const plan = planAt(this.#plan, wanted);
    if (plan.members !== undefined && plan.member === undefined) return noMember(plan, this.#env);
    const inherited = wanted.part === undefined ? undefined : this.#takeBack(wanted.part);
    return openPart(plan, this.#env.openClient, { ...this.#env, inherited }, joining);
  }

  /** What is known of an address that is back. */
  #takeBack(address: string): InheritedState | undefined {
    const gone = this.#gone.get(address);
    this.#gone.delete(address);
    return gone !== undefined && gone.untilMs > this.#env.clock.nowMs() ? gone.part.inheritable() : undefined;
  }

  /** Its calls are counted, and their ends told, until the last one. */
  #retire(part: PartTarget): void {
    const { address } = part.plan;
    // A member that comes back has begun anew: nothing of before holds for it.
    if (address !== undefined) this.#gone.set(address, { part, untilMs: this.#env.clock.nowMs() + REMEMBERED_MS });
    const ended = part.retire().finally(() => {
      this.#retiring.delete(ended);
      this.#unlisten.get(part)?.();
      this.#unlisten.delete(part);
    });
    this.#retiring.add(ended);
  }

  #forgetOld(): void {
    const nowMs = this.#env.clock.nowMs();
    for (const [address, { untilMs }] of this.#gone) {
      if (untilMs <= nowMs || this.#gone.size > MAX_REMEMBERED) this.#gone.delete(address);
    }
  }

  #tellChanged(before: ReadonlyMap<string | undefined, PartTarget>, gone: readonly PartTarget[]): void {
    if (this.#finder === undefined) return; // the main process has told it
    const known = new Set(before.values());
    const added = textsOf(this.#parts.filter((part) => !known.has(part)));
    const fields = { target: this.#plan.id, added, removed: textsOf(gone), addresses: this.#finder.known };
    this.#env.log?.info("addresses of a target changed", fields);
  }
}

function openFinder(plan: TargetPlan, env: AddressSetEnv, tell: TellParts): PartFinder {
  return plan.members === undefined
    ? new NameFinder(plan, env, tell)
    : new MemberFinder(plan.members, env.members, tell);
}

/** The plan of one part. */
function planAt(plan: TargetPlan, { part, place }: WantedPart): TargetPlan {
  if (plan.members === undefined) return { ...plan, address: part };
  if (part === undefined || place === undefined) return plan;
  const url = `${new URL(plan.url).protocol}//${place}`;
  const { check } = plan.health;
  // It is asked itself, by whatever check.
  return { ...plan, member: part, url, health: { ...plan.health, check: check && { ...check, url } } };
}

function wantedOf({ plan: { member, address, url } }: PartTarget): WantedPart {
  return member === undefined ? { part: address } : { part: member, place: placeIn(url) };
}

/** A member that is elsewhere now has other connections. */
function isAt({ plan }: PartTarget, { place }: WantedPart): boolean {
  return place === undefined || placeIn(plan.url) === place;
}

function nameOf(part: PartTarget | undefined): string | undefined {
  return part && partName(part.plan);
}

function textsOf(parts: readonly PartTarget[]): string[] {
  return parts.flatMap(({ plan: { member, address, url } }) => {
    return member === undefined ? (address ?? []) : `${member} ${placeIn(url)}`;
  });
}
