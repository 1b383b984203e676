import type { Problem } from "../../core/problem.ts";
import type { ChangeRefused, StagedChange } from "../apply-outcome.ts";
import type { FleetVersion } from "../apply.ts";

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
   * Begins what takes time of the proposal of this text that is about to come, or may not come: its
   * end is that of what was begun in vain. Undefined: nothing does.
   */
  stage?(text: string): AsyncDisposable;
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
interface TruthDocument extends Pick<FleetVersion, "text">, Partial<Pick<FleetVersion, "author" | "note">> {
  /** Undefined: the truth has no numbers, and whoever takes it over counts. */
  readonly version: number | undefined;
}

export type TruthRead = ({ readonly kind: "document" } & TruthDocument) | { readonly kind: "none" };

export type TruthNews =
  | ({
      readonly kind: "document";
      /** It could not be dealt with now, and is worth being told once more. */
      readonly again: () => void;
    } & TruthDocument)
  /** It cannot be read (any more): what was told last still holds. */
  | { readonly kind: "unreadable"; readonly reason: string }
  /** Of a fleet's: there is nothing to follow, and what was told last still holds. */
  | { readonly kind: "trouble"; readonly trouble: TruthTrouble };

/** Why a node does not follow its fleet at the moment. */
export interface TruthTrouble {
  readonly kind: TroubleKind;
  readonly reason: string;
  /** How to mend it. */
  readonly hint: string;
}

/**
 * `unreachable`: the store does not answer. `unformed`: it has no fleet. `isolated`: it has another
 * one, or has gone back. `none`: the fleet has no config. `bad`: what it has cannot be run here.
 */
export const TROUBLE_KINDS = ["unreachable", "unformed", "isolated", "none", "bad"] as const;
type TroubleKind = (typeof TROUBLE_KINDS)[number];

/** A change of the truth. */
export interface TruthProposal {
  /** What runs where the proposal was made. */
  readonly expected: { readonly version: number; readonly text: string };
  readonly text: string;
  readonly publish?: PublishTerms | undefined;
}

/** What somebody says beside a document that is to be a fleet's. A file has no place for it. */
export interface PublishTerms {
  /** Who it is, and from where: `ann@laptop`. */
  readonly author?: string | undefined;
  /** Why: one line for people. */
  readonly note?: string | undefined;
  /** Also when a live member cannot read it. */
  readonly force?: boolean | undefined;
  /** Make the fleet, too, where the store has none yet. */
  readonly init?: boolean | undefined;
  /** Some nodes try it first: it is published, and the pointer stays where it is. */
  readonly staged?: boolean | undefined;
  /** Also when the same document was rolled back before. */
  readonly again?: boolean | undefined;
}

export type ProposeOutcome =
  /** It is the truth now. */
  | {
      readonly kind: "taken";
      /** Undefined: as whoever proposed it counts. */
      readonly version: number | undefined;
      /** Ends when it is so after a power cut, too; undefined: it is. Never rejects. */
      readonly safe?: Promise<void>;
      /** For when it could not be applied after all. Never rejects. */
      readonly withdraw: () => Promise<void>;
    }
  /** It says so already, as this version. */
  | { readonly kind: "same"; readonly version: number }
  /** Some nodes of the fleet are to try it: see `control/rollout/`. */
  | StagedChange
  /** The truth says something else than what runs, and nobody has been told yet. */
  | { readonly kind: "changed" }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | ChangeRefused;

/** What is asked of a node by itself. */
export const NO_FLEET_TO_STAGE: ChangeRefused = {
  kind: "unwritable",
  reason: "a config of one node by itself cannot be staged: there are no others to compare it with",
};
