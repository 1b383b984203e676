import type { FoundMember } from "../../plan/members.ts";
import type { MemberSet } from "./messages.ts";

/** Who is missing for so long has not gone together with others. */
const TOGETHER_MS = 30_000;
/** So long those are kept of whom most went together. */
const KEPT_MS = 600_000;

/**
 * Those of one selection that a controller does not hear any more, without a word of them. Are they
 * more than those that it hears, then rather the controller is cut off: they are kept, and health
 * tells who of them works.
 */
export class LostMembers {
  readonly #lost = new Map<string, { readonly member: FoundMember; readonly sinceMs: number }>();
  #isKeeping = false;

  /** Who of those that were used is used on, of those that are not in the set. */
  keep(used: readonly FoundMember[], set: MemberSet, nowMs: number): readonly FoundMember[] {
    const told = new Set([...set.members.map(({ id }) => id), ...set.left]);
    for (const id of told) this.#lost.delete(id);
    const missing = used.filter(({ id }) => !told.has(id));
    if (set.is_learning) return missing;
    for (const member of missing) {
      if (!this.#lost.has(member.id)) this.#lost.set(member.id, { member, sinceMs: nowMs });
    }
    const longestMs = this.#isKeeping ? KEPT_MS : TOGETHER_MS;
    for (const [id, { sinceMs }] of this.#lost) if (nowMs - sinceMs >= longestMs) this.#lost.delete(id);
    this.#isKeeping = this.#lost.size > set.members.length;
    return this.#isKeeping ? [...this.#lost.values()].map(({ member }) => member) : [];
  }

  /** Those that are kept so. */
  get kept(): number {
    return this.#isKeeping ? this.#lost.size : 0;
  }
}
