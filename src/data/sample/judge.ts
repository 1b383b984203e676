import type { ClassThreshold } from "./threshold-mark.ts";
import type { ItemChange, SamplingOddities, Verdict } from "./verdict.ts";

/** Decides about the items of one signal, one after the other. */
export interface ItemJudge extends ItemChange {
  /**
   * Decides about the item in [start, end). For CHANGE the fields of ItemChange tell what of it,
   * and what is added has been written to the request's KeptItems.
   */
  judge(bytes: Uint8Array, start: number, end: number, to: ClassThreshold, odd: SamplingOddities): Verdict;
  release(): void;
}
