import { isoTime } from "../../core/iso-time.ts";

/** When and where a controller has seen a member. */
export interface MemberSighting {
  readonly id: string;
  readonly region: string;
  /** Where it takes data; of one that the store lists alone, where its controller is. */
  readonly address: string;
  /** Since it was heard; undefined: the store lists it, and who wrote that may be gone. */
  readonly ageMs: number | undefined;
}

/** Whom a controller sees. */
export interface MemberView {
  readonly controller: string;
  /** Whose members: of a region, or of the fleet's registry. */
  readonly scope: string;
  /** Of the ids of all of them: those who see the same have the same one. */
  readonly digest: string;
  /** undefined: only the digest was told. */
  readonly members?: readonly string[] | undefined;
  /** What is known of them besides. */
  readonly sightings?: readonly MemberSighting[] | undefined;
}

/** Controllers that do not see the same members. */
export interface SplitView {
  readonly scope: string;
  /** The view of most of them first. */
  readonly views: readonly {
    readonly digest: string;
    readonly controllers: readonly string[];
    /** Those that not all views have; empty where members were not told. */
    readonly only_here: readonly string[];
  }[];
}

/** Scopes of which controllers have different views; none: all agree. */
export function splitViews(views: readonly MemberView[]): readonly SplitView[] {
  const scopes = Map.groupBy(views, ({ scope }) => scope);
  return [...scopes].flatMap(([scope, all]) => {
    const digests = Map.groupBy(all, ({ digest }) => digest);
    if (digests.size < 2) return [];
    const everywhere = inAllOf([...digests.values()]);
    const split = [...digests].map(([digest, alike]) => ({
      digest,
      controllers: alike.map(({ controller }) => controller).toSorted(byOrder),
      only_here: membersOf(alike).filter((id) => !everywhere.has(id)),
    }));
    return { scope, views: split.toSorted((a, b) => b.controllers.length - a.controllers.length) };
  });
}

/** Each member with the controllers that see it, in the order of their ids. */
export function seenBy(views: readonly MemberView[]): readonly { readonly id: string; readonly seen_by: string[] }[] {
  const seen = new Map<string, Set<string>>();
  for (const { controller, members = [] } of views) {
    for (const id of members) seen.set(id, (seen.get(id) ?? new Set()).add(controller));
  }
  return [...seen]
    .toSorted(([a], [b]) => byOrder(a, b))
    .map(([id, controllers]) => ({ id, seen_by: [...controllers].toSorted(byOrder) }));
}

/** One of `GET /api/v1/members` */
export interface ListedMember {
  readonly id: string;
  readonly region: string;
  readonly address: string;
  /** By the clock of the node that is asked; null: it was heard by nobody who answered. */
  readonly last_seen: string | null;
  readonly seen_by: readonly string[];
}

/** Likewise, with what was seen of it last. `nowMs`: Clock.wallMs() */
export function listMembers(views: readonly MemberView[], nowMs: number): readonly ListedMember[] {
  const newest = new Map<string, MemberSighting>();
  for (const sighting of views.flatMap(({ sightings = [] }) => sightings)) {
    const known = newest.get(sighting.id);
    if (known === undefined || ageOf(sighting) < ageOf(known)) newest.set(sighting.id, sighting);
  }
  return seenBy(views).map(({ id, seen_by }) => {
    const { region = "", address = "", ageMs } = newest.get(id) ?? {};
    return { id, region, address, last_seen: ageMs === undefined ? null : isoTime(nowMs - ageMs), seen_by };
  });
}

function ageOf({ ageMs = Infinity }: MemberSighting): number {
  return ageMs;
}

function membersOf(alike: readonly MemberView[]): readonly string[] {
  return alike.find(({ members }) => members !== undefined)?.members ?? [];
}

function inAllOf(groups: readonly (readonly MemberView[])[]): ReadonlySet<string> {
  const [first = [], ...others] = groups.map(membersOf);
  return new Set(first.filter((id) => others.every((other) => other.includes(id))));
}

function byOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
