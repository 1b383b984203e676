import type { Problem } from "../../core/problem.ts";
import type { ChangeRefused } from "../apply-outcome.ts";

/**
 * Where the truth about a config lives: the file of a single node, or the store of a fleet. All who
 * change what runs ask it, and follow what it says.
 */
export interface ConfigTruth {
  /** What it says now. Fails with a RouterError where it does not answer. */
  read(options: TruthOptions): Promise<TruthRead>;
  /**
   * What is new: one at a time, the next only when the one before was dealt with. Versions may be
   * left out, the newest never is. Ends with the signal alone.
   */
  watch(options: TruthOptions): AsyncIterable<TruthNews>;
  /**
   * Writes `text` where the truth lives, if that still says what is expected. What it refuses
   * changes nothing. Never rejects.
   */
  propose(proposal: TruthProposal): Promise<ProposeOutcome>;
}

/** Whoever asks may stop waiting. */
export interface TruthOptions {
  readonly signal: AbortSignal;
}

/** A document as the truth has it. */
export interface TruthDocument {
  /** Undefined: the truth has no numbers, and whoever takes it over counts. */
  readonly version: number | undefined;
  readonly text: string;
}

export type TruthRead = ({ readonly kind: "document" } & TruthDocument) | { readonly kind: "none" };

export type TruthNews =
  | ({
      readonly kind: "document";
      /** It could not be dealt with now, and is worth being told once more. */
      readonly again: () => void;
    } & TruthDocument)
  /** It cannot be read (any more): what was told last still holds. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** A change of the truth. */
export interface TruthProposal {
  /** What runs where the proposal was made. */
  readonly expected: { readonly version: number; readonly text: string };
  readonly text: string;
}

export type ProposeOutcome =
  /** It is the truth now. */
  | {
      readonly kind: "taken";
      /** Undefined: as whoever proposed it counts. */
      readonly version: number | undefined;
      /** For when it could not be taken over after all. Never rejects. */
      readonly withdraw: () => Promise<void>;
    }
  /** The truth says something else than what runs, and nobody has been told yet. */
  | { readonly kind: "changed" }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | ChangeRefused;
