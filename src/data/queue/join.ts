import type { ParcelOutcome } from "../parcel.ts";

/**
 * How one copy of a parcel ended; undefined when its target went away before it was sent, and
 * others have copies.
 */
export type CopyOutcome = ParcelOutcome | undefined;

const RANK = { failed: 0, rejected: 1, delivered: 2 } as const;

/**
 * One parcel that goes to several targets: settled when all copies have ended, with the weakest
 * outcome.
 */
export function joinCopies(copies: number, settle: (outcome: ParcelOutcome) => void): Copies {
  let left = copies;
  let weakest: CopyOutcome;
  let arrived = false;
  return {
    get isLast() {
      return left === 1 && !arrived;
    },
    end(outcome) {
      arrived ||= outcome?.kind === "delivered";
      weakest = weaker(weakest, outcome);
      if (--left > 0) return;
      settle(weakest ?? { kind: "failed", reason: "no_target", message: "its target was taken out of the pool" });
    },
  };
}

/** The copies of one parcel, as each of them sees the others. */
export interface Copies {
  /**
   * All the others have ended, and none arrived: without this one the parcel would have gone
   * nowhere.
   */
  readonly isLast: boolean;
  /** Once for each copy. */
  readonly end: (outcome: CopyOutcome) => void;
}

/**
 * One copy of a parcel that was cut: ends when all parts have ended. A part that was rejected makes
 * its things count as rejected, as the target would have said it; a part that failed makes the
 * whole fail, and one that was taken out takes the whole out.
 */
export function joinParts(
  points: readonly number[],
  settle: (outcome: CopyOutcome) => void,
): readonly ((outcome: CopyOutcome) => void)[] {
  const outcomes = points.map((): CopyOutcome => undefined);
  let left = points.length;
  return points.map((_, i) => (outcome) => {
    outcomes[i] = outcome;
    if (--left === 0) settle(sum(outcomes, points));
  });
}

function weaker(a: CopyOutcome, b: CopyOutcome): CopyOutcome {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.kind === "delivered" && b.kind === "delivered") return a.rejected >= b.rejected ? a : b;
  return RANK[a.kind] <= RANK[b.kind] ? a : b;
}

function sum(outcomes: readonly CopyOutcome[], points: readonly number[]): CopyOutcome {
  if (outcomes.includes(undefined)) return undefined;
  const ended = outcomes.filter((outcome) => outcome !== undefined);
  const failed = ended.find(({ kind }) => kind === "failed");
  if (failed !== undefined) return failed;
  if (ended.every(({ kind }) => kind === "rejected")) return ended[0];
  let rejected = 0;
  for (const [i, outcome] of ended.entries()) {
    if (outcome.kind === "rejected") rejected += points[i]!;
    else if (outcome.kind === "delivered") rejected += outcome.rejected;
  }
  const said = ended.find(({ message }) => message !== "");
  const target = said?.target ?? ended.find((outcome) => outcome.target !== undefined)?.target;
  return { kind: "delivered", rejected, message: said?.message ?? "", ...(target !== undefined && { target }) };
}
