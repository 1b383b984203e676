import { type FoundMember, membersKey, type MembersPlan } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { MemberBoard } from "../resolve/member-board.ts";
import { NO_PART, type PartFinder, type TellParts, type WantedPart } from "./part-finder.ts";

/** The members of the fleet that a target stands for, as the node is told of them. */
export class MemberFinder implements PartFinder {
  readonly first: readonly WantedPart[];
  readonly #close: () => void;
  #known = 0;

  constructor(members: MembersPlan, board: MemberBoard | undefined, tell: TellParts) {
    // What this node is one of it does not send to.
    const key = members.isSelf ? undefined : membersKey(members);
    const take = (found: readonly FoundMember[]): readonly WantedPart[] => {
      this.#known = found.length;
      return found.length === 0 ? NO_PART : found.map(wantedOf);
    };
    this.first = take((key !== undefined && board?.of(key)) || []);
    this.#close = (key !== undefined && board?.watch(key, (found) => tell(take(found)))) || ((): void => undefined);
  }

  get known(): number {
    return this.#known;
  }

  /** Other members are another target: `members` is part of what connections depend on. */
  adopt(_plan: TargetPlan): void {}

  close(): void {
    this.#close();
  }
}

function wantedOf({ id, address, utilization }: FoundMember): WantedPart {
  return { part: id, place: address, utilization };
}
