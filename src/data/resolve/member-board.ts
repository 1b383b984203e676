import type { FoundMember, FoundMembers } from "../../plan/members.ts";

type Hear = (members: readonly FoundMember[]) => void;

/**
 * What a node is told of the members of its fleet, by what they are selected with: kept for targets
 * that come later, and passed on to those that are there.
 */
export class MemberBoard {
  readonly #found = new Map<string, readonly FoundMember[]>();
  readonly #hearing = new Map<string, Set<Hear>>();

  /** Undefined: nothing has been told of them. */
  of(key: string): readonly FoundMember[] | undefined {
    return this.#found.get(key);
  }

  /**
   * All that is selected: what is missing is forgotten, and stays with whoever has heard it. One
   * who fails keeps it from no other.
   */
  tell(all: readonly FoundMembers[]): void {
    const keys = new Set(all.map(({ of }) => of));
    for (const key of this.#found.keys()) if (!keys.has(key)) this.#found.delete(key);
    const failed: unknown[] = [];
    for (const { of, members } of all) {
      this.#found.set(of, members);
      for (const hear of this.#hearing.get(of) ?? []) {
        try {
          hear(members);
        } catch (error) {
          failed.push(error);
        }
      }
    }
    if (failed.length > 0) throw failed[0];
  }

  /** Until the function that it gives is called. */
  watch(key: string, hear: Hear): () => void {
    const hearing = this.#hearing.get(key) ?? new Set();
    this.#hearing.set(key, hearing.add(hear));
    return () => {
      hearing.delete(hear);
      if (hearing.size === 0 && this.#hearing.get(key) === hearing) this.#hearing.delete(key);
    };
  }
}
