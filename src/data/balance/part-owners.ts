import { type KeyOwners, type KeyTarget, openKeyOwners, type OwnerView } from "./key-owners.ts";

/** What owns keys: a target, or one of the addresses behind its name. */
export interface KeyPart extends KeyTarget {
  /** Different for each part of a target; undefined for a target that is one. */
  readonly part: string | undefined;
}

/**
 * Whose a key is where targets have parts: a target's, by its id and weight, whatever its parts
 * are; and then that of one of them. So a part more or less moves its share of the target's keys,
 * and no other keys. Indexes are those of `parts`.
 */
export function openPartOwners(parts: readonly KeyPart[]): KeyOwners {
  const groups = Map.groupBy(parts.keys(), (index) => parts[index]!.id);
  if (groups.size === parts.length) return openKeyOwners(parts);
  return new PartOwners([...groups.values()].map((members) => new TargetOwners(members, parts)));
}

class PartOwners implements KeyOwners, OwnerView {
  readonly #groups: readonly TargetOwners[];
  readonly #owners: KeyOwners;
  #view: OwnerView = NOTHING;

  constructor(groups: readonly TargetOwners[]) {
    this.#groups = groups;
    this.#owners = openKeyOwners(groups.map(({ target }) => target));
  }

  ownerOf(hash: number, view: OwnerView): number {
    this.#view = view;
    for (const group of this.#groups) group.view = view;
    const group = this.#groups[this.#owners.ownerOf(hash, this)];
    return group === undefined ? -1 : group.ownerOf(hash);
  }

  usable(index: number): boolean {
    return this.#groups[index]!.anyUsable();
  }

  saturated(index: number): boolean {
    return this.#groups[index]!.allSaturated();
  }

  held(index: number): number {
    return this.#groups[index]!.totalHeld;
  }

  get totalHeld(): number {
    return this.#view.totalHeld;
  }
}

/** The parts of one target, by their places among all. */
class TargetOwners implements OwnerView {
  readonly target: KeyTarget;
  /** Of all parts; set before each question. */
  view: OwnerView = NOTHING;
  readonly #members: readonly number[];
  readonly #owners: KeyOwners | undefined;

  constructor(members: readonly number[], parts: readonly KeyPart[]) {
    this.target = parts[members[0]!]!;
    this.#members = members;
    // One to itself needs no table.
    const keys = members.map((member) => ({ id: parts[member]!.part ?? "", weight: 1 }));
    this.#owners = members.length === 1 ? undefined : openKeyOwners(keys);
  }

  ownerOf(hash: number): number {
    return this.#members[this.#owners?.ownerOf(hash, this) ?? 0]!;
  }

  anyUsable(): boolean {
    for (const member of this.#members) if (this.view.usable(member)) return true;
    return false;
  }

  /** All that can be used. */
  allSaturated(): boolean {
    for (const member of this.#members) if (this.view.usable(member) && !this.view.saturated(member)) return false;
    return true;
  }

  usable(index: number): boolean {
    return this.view.usable(this.#members[index]!);
  }

  saturated(index: number): boolean {
    return this.view.saturated(this.#members[index]!);
  }

  held(index: number): number {
    return this.view.held(this.#members[index]!);
  }

  get totalHeld(): number {
    let held = 0;
    for (const member of this.#members) held += this.view.held(member);
    return held;
  }
}

const NOTHING: OwnerView = { usable: () => false, saturated: () => false, held: () => 0, totalHeld: 0 };
