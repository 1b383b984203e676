import type { ItemFields } from "../../otlp/item-fields.ts";
import type { Randomness } from "./randomness.ts";
import type { ClassThreshold } from "./threshold-mark.ts";
import type { ItemChange, SamplingOddities, Verdict } from "./verdict.ts";

/** Decides about the items of one signal, one after the other. */
export interface ItemDecider extends ItemChange {
  /** Of the item that was seen last: the probability that it came with, or NO_RANDOMNESS. */
  readonly arrival: number;
  /** And whether it begins a trace. */
  readonly isRoot: boolean;
  /** And what it is decided by, as `rv` has it; undefined: nothing. */
  readonly randomness: string | undefined;
  /** The same as bits, valid until the next item; without meaning where there is none. */
  readonly random: Pick<Randomness, "hi" | "lo">;
  /**
   * Decides about the item in [start, end). For CHANGE the fields of ItemChange tell what of it,
   * and what is added has been written to the request's SampledItems.
   */
  decide(bytes: Uint8Array, start: number, end: number, to: ClassThreshold, odd: SamplingOddities): Verdict;
  /** The same of an item that rules were asked about: what was read of it is not read again. */
  decideRead(item: ItemFields, to: ClassThreshold, odd: SamplingOddities): Verdict;
  /** Looks at an item of which all is kept. False when it is malformed. */
  see(bytes: Uint8Array, start: number, end: number, odd: SamplingOddities): boolean;
  release(): void;
}
