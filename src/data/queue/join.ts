import type { ParcelOutcome } from "../parcel.ts";

/** How one copy of a parcel ended; undefined when its target went away before it was sent, and others have copies. */
export type CopyOutcome = ParcelOutcome | undefined;

const RANK = { failed: 0, rejected: 1, delivered: 2 } as const;

/** One parcel that goes to several targets: settled when all copies have ended, with the weakest outcome. */
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
  /** All the others have ended, and none arrived: without this one the parcel would have gone nowhere. */
  readonly isLast: boolean;
  /** Once for each copy. */
  readonly end: (outcome: CopyOutcome) => void;
}

/**
 * One copy of a parcel that was cut in two: ends when both halves have ended. A half that was rejected makes its things count as
 * rejected, as the target would have said it; a half that failed makes the whole fail, and one that was taken out takes the whole out.
 */
export function joinHalves(
  points: readonly [number, number],
  settle: (outcome: CopyOutcome) => void,
): readonly [(outcome: CopyOutcome) => void, (outcome: CopyOutcome) => void] {
  const outcomes: [CopyOutcome, CopyOutcome] = [undefined, undefined];
  let left = 2;
  const end = (half: 0 | 1, outcome: CopyOutcome): void => {
    outcomes[half] = outcome;
    if (--left > 0) return;
    const [first, second] = outcomes;
    settle(first === undefined || second === undefined ? undefined : sum(first, second, points));
  };
  return [(outcome) => end(0, outcome), (outcome) => end(1, outcome)];
}

/** The same for any number of parts. */
export function joinParts(
  points: readonly number[],
  settle: (outcome: CopyOutcome) => void,
): readonly ((outcome: CopyOutcome) => void)[] {
  const [first = 0, ...others] = points;
  if (others.length === 0) return [settle];
  const rest = others.reduce((total, one) => total + one, 0);
  const [end, endRest] = joinHalves([first, rest], settle);
  return [end, ...joinParts(others, endRest)];
}

function weaker(a: CopyOutcome, b: CopyOutcome): CopyOutcome {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.kind === "delivered" && b.kind === "delivered") return a.rejected >= b.rejected ? a : b;
  return RANK[a.kind] <= RANK[b.kind] ? a : b;
}

function sum(a: ParcelOutcome, b: ParcelOutcome, points: readonly [number, number]): ParcelOutcome {
  if (a.kind === "failed") return a;
  if (b.kind === "failed") return b;
  if (a.kind === "rejected" && b.kind === "rejected") return a;
  const rejected = refused(a, points[0]) + refused(b, points[1]);
  return { kind: "delivered", rejected, message: a.message === "" ? b.message : a.message };
}

function refused(outcome: Exclude<ParcelOutcome, { kind: "failed" }>, points: number): number {
  return outcome.kind === "rejected" ? points : outcome.rejected;
}
