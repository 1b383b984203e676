import type { Log } from "../../telemetry/log.ts";
import type { CallOptions, Entry, Revision } from "../store.ts";
import { checkedPart, checkedPrefix } from "./keys.ts";
import { decodeMember, type Member, type MemberInfo } from "./member.ts";
import type { RecipePlace } from "./place.ts";
import { openRegistration, type RegisterOptions, type Registration } from "./registration.ts";
import { watchEntries, type Watched } from "./watched.ts";

/** Who is there: members under their own sessions, below `<prefix>/members/`. */
export interface Registry {
  /**
   * Resolves once it is listed; until the signal says so it is tried again and again. From then on
   * it is kept listed, under a new session whenever one is lost, until it is disposed.
   */
  register(info: MemberInfo, options: RegisterOptions): Promise<Registration>;
  list(options: CallOptions): Promise<MemberList>;
  get(id: string, options: CallOptions): Promise<Member | undefined>;
  /** All with this name, in the order of their ids, whatever their health. */
  find(name: string, options: CallOptions): Promise<readonly Member[]>;
  /** All members, whenever something of them is different; ends with the signal alone. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<MembersSeen>;
}

/** All who are there. */
export interface MemberList {
  /** In the order of their ids. */
  readonly members: readonly Member[];
  /** Entries that are no members, with what is wrong with them: left alone, and left out. */
  readonly malformed: readonly MalformedMember[];
  readonly revision: Revision;
}

/** What stands among members and is none. */
export interface MalformedMember {
  readonly key: string;
  readonly reason: string;
}

/** All who are there, as a watch tells it. */
export interface MembersSeen extends MemberList {
  /** Why it may be old: the store cannot be reached. */
  readonly lost: string | undefined;
}

/** Who is told what becomes of registrations. */
export interface RegistryOptions {
  /** Told when a member is listed, is not, and why. */
  readonly log?: Log | undefined;
}

/** Fails with `STORE_REFUSED` for a prefix that cannot be one. */
export function createRegistry(place: RecipePlace, options: RegistryOptions = {}): Registry {
  const { store } = place;
  const below = membersPrefix(place.prefix);
  const list = async (call: CallOptions): Promise<MemberList> => {
    const { entries, revision } = await store.list(below, call);
    return { ...readMembers(entries), revision };
  };
  return {
    async register(info, more) {
      const key = `${below}${checkedPart(info.id, ID)}`;
      return openRegistration({ ...place, ...options, key }, info, more);
    },
    list,
    async get(id, call) {
      const entry = await store.get(`${below}${checkedPart(id, ID)}`, call);
      return entry === undefined ? undefined : readMembers([entry]).members[0];
    },
    find: async (name, call) => (await list(call)).members.filter((member) => member.name === name),
    watch: ({ signal }) => watchMembers(watchEntries(store, below, signal)),
  };
}

const ID = "the id of a member";

function membersPrefix(prefix: string): string {
  return `${checkedPrefix(prefix)}/members/`;
}

type ReadMember = ReturnType<typeof decodeMember>;

/** Entries are read once, however often something else changes. */
async function* watchMembers(states: AsyncIterable<Watched>): AsyncGenerator<MembersSeen> {
  let known = new Map<Entry, ReadMember>();
  for await (const { entries, revision, lost } of states) {
    const now = new Map<Entry, ReadMember>();
    for (const entry of entries.values()) now.set(entry, known.get(entry) ?? decodeMember(entry));
    known = now;
    yield { ...inOrder(now), revision, lost };
  }
}

function readMembers(entries: readonly Entry[]): Omit<MemberList, "revision"> {
  return inOrder(new Map(entries.map((entry) => [entry, decodeMember(entry)])));
}

function inOrder(all: ReadonlyMap<Entry, ReadMember>): Omit<MemberList, "revision"> {
  const members: Member[] = [];
  const malformed: MalformedMember[] = [];
  for (const [{ key }, read] of all) {
    if (!read.ok) malformed.push({ key, reason: read.reason });
    else if (key.endsWith(`/${read.value.id}`)) members.push(withoutIncarnation(read.value));
    else malformed.push({ key, reason: `it calls itself ${read.value.id}` });
  }
  return {
    members: members.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    malformed: malformed.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

function withoutIncarnation(member: Member & { readonly incarnation: string }): Member {
  const { incarnation: _incarnation, ...rest } = member;
  return rest;
}
