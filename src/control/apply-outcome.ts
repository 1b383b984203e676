import type { Problem } from "../core/problem.ts";
import type { LeavingPool } from "../plan/data-plane.ts";

/**
 * What came of a config that somebody wants to run. All but `applied` leave the running one
 * untouched.
 */
export type ApplyOutcome =
  | {
      readonly kind: "applied";
      readonly version: number;
      readonly digest: string;
      readonly warnings: readonly Problem[];
      /** Paths under `node` that changed and count only after a restart. */
      readonly restartRequired: readonly string[];
      /** What differs from the version before, as paths: `rules.payments.priority`. */
      readonly changed: readonly string[];
      /** Pools that are gone and still hold something: these go on for a while. */
      readonly leaving: readonly LeavingPool[];
    }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | {
      readonly kind: "failed";
      readonly reason: string;
      /** Nothing speaks against the config: the same may be applied when it is tried again. */
      readonly passing?: true;
    };

/** Why a change was not even tried: nothing is different afterwards. */
export type ChangeRefused =
  /** Somebody else was faster. */
  | { readonly kind: "conflict"; readonly reason: string; readonly hint: string }
  | { readonly kind: "unknown" | "exists"; readonly id: string }
  /** What was sent is no document. */
  | { readonly kind: "malformed"; readonly problems: readonly Problem[] }
  /** What has a way now would have none; nobody has said that this is meant. */
  | { readonly kind: "unrouted"; readonly problems: readonly Problem[] }
  /** The node stops. */
  | { readonly kind: "stopping" }
  /** It cannot be written down; the reason is for people. */
  | { readonly kind: "unwritable"; readonly reason: string }
  /** The fleet's store does not take it; `passing`: it may when it is tried again. */
  | { readonly kind: "store"; readonly reason: string; readonly hint: string; readonly passing: boolean }
  /** Members of the fleet cannot read documents of this schema yet. */
  /** The same document was tried in the fleet in vain, as this version. */
  | { readonly kind: "rolled_back"; readonly version: number; readonly reason: string }
  | { readonly kind: "unreadable_by"; readonly schema: number; readonly members: readonly UnableMember[] };

/** A version of the fleet's config that some nodes are to try; what runs here is as before. */
export interface StagedChange {
  readonly kind: "staged";
  readonly version: number;
  /** SHA-256 of the document in hex. */
  readonly sha256: string;
}

/** A live member of the fleet, and the newest schema of documents that it reads. */
export interface UnableMember {
  readonly id: string;
  readonly version: string;
  readonly reads: number;
}

export type ChangeOutcome =
  | Exclude<ApplyOutcome, { readonly kind: "unreadable" }>
  /** The document says it already: no new version. */
  | {
      readonly kind: "unchanged";
      readonly version: number;
      readonly digest: string;
      readonly warnings: readonly Problem[];
    }
  | StagedChange
  | ChangeRefused;
