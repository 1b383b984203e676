/** What is to become of one item. */
export const VERDICT = {
  DROP: 0,
  /** As it is: it came thinner than the class is kept, or nothing can be written into it. */
  KEEP: 1,
  /** With the mark of its class, which it has none of yet. */
  MARK: 2,
  /** With bytes that were written for it alone. */
  CHANGE: 3,
  MALFORMED: 4,
} as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

/** What happens beside keeping and dropping, counted for each class. */
export interface SamplingOddities {
  /** Kept, because there is nothing to decide by. */
  noRandomness: number;
  /** Its threshold was above its randomness, so that it could not have been kept: not believed. */
  inconsistent: number;
  /** Kept without a mark: what is there is not readable, or too long. */
  unmarked: number;
}

/** `R >= T` for numbers of 56 bits. */
export function reaches(hi: number, lo: number, toHi: number, toLo: number): boolean {
  return hi > toHi || (hi === toHi && lo >= toLo);
}

/** What came without anything to decide by has no probability. */
export const NO_RANDOMNESS = -1;

/** Where the bytes are that a verdict CHANGE is about. */
export interface ItemChange {
  addStart: number;
  addEnd: number;
  cutStart: number;
  cutEnd: number;
}
