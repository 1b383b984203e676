import { reasonOf, RouterError } from "../../core/errors.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";

/** What only a node can tell, by its admin API. */
const NODE_CHECKS = ["targets", "sampling", "randomness"] as const;
/** What is looked at in the store. */
export const STORE_CHECKS = [
  "reach",
  "latency",
  "store",
  "compaction",
  "rights",
  "prefix",
  "identity",
  "members",
  "config",
  "views",
  "versions",
  "lease",
  "clock",
] as const;
export type DoctorCheck = (typeof STORE_CHECKS | typeof NODE_CHECKS)[number];

/** One thing that was looked at, and what to do about it. */
export interface DoctorFinding {
  readonly check: DoctorCheck;
  readonly status: "ok" | "warning" | "failed";
  readonly message: string;
  readonly hint?: string | undefined;
}

export interface Patient extends RecipePlace {
  /**
   * What this node remembers of its fleet, undefined where it is not known which node is meant;
   * fails where that cannot be read.
   */
  readonly remembered: () => Promise<FleetMemory | undefined>;
  /** Whether calls carry a user or a token. */
  readonly hasCredentials: boolean;
  /** Whether all endpoints are on this machine. */
  readonly isLocal: boolean;
}

export function failed(check: DoctorCheck, cause: unknown): DoctorFinding {
  const hint = cause instanceof RouterError ? cause.hint : undefined;
  return { check, status: "failed", message: reasonOf(cause), hint };
}
