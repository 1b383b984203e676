/** Whom a controller sees. */
export interface MemberView {
  readonly controller: string;
  /** Whose members: of a region, or of the fleet's registry. */
  readonly scope: string;
  /** Of the ids of all of them: those who see the same have the same one. */
  readonly digest: string;
  /** undefined: only the digest was told. */
  readonly members?: readonly string[] | undefined;
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
