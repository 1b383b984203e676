import type { Condition } from "../config/condition-type.ts";
import type { SampledSignal } from "../config/schema/sampling.ts";
import type { PRIORITY_NAMES } from "../config/schema/values.ts";
import type { GuardBound } from "./sampling/sampling-guard.ts";

/** Why a class has the probability that it has: what lowered it most. */
export type ShareReason =
  | "priority_based"
  | "sampling_rate"
  | "region"
  | "fixed"
  | "adaptive"
  | "cost_based"
  | "degradation"
  | "guard"
  | "fallback";

export type { SampledSignal };
export type PriorityName = (typeof PRIORITY_NAMES)[number];

/** What sampling tells apart. Plain data, as all of this file. */
export interface SamplingClass {
  /** Its priority; the second and later ones of a priority are `high-2`, `high-3`. */
  readonly name: string;
  /** `high`: protected. Lowered by nothing below its ceiling. */
  readonly priority: PriorityName;
  /** Share that is kept at most. */
  readonly ceiling: number;
  /** Where the ceiling is from. */
  readonly from: "priority_based" | "sampling_rate";
  readonly signals: readonly SampledSignal[];
}

/** Which items are of a class: the first rule whose conditions hold decides. */
export interface ClassRule {
  readonly class: string;
  readonly signals: readonly SampledSignal[];
  /** All must hold; none: it takes the rest. */
  readonly conditions: readonly Condition[];
}

export interface SamplingClasses {
  readonly classes: readonly SamplingClass[];
  /** In the order in which they are asked; for each sampled signal the last one takes the rest. */
  readonly rules: readonly ClassRule[];
}

/** The probability with which items of a class are kept. */
export interface ClassShare {
  readonly class: string;
  readonly probability: number;
  readonly reason: ShareReason;
  /** What sources of traces are told to send; undefined: each node finds it by itself. */
  readonly source?: number | undefined;
}

/**
 * What the stage sample is told to keep, by signal: the part of a plan that a directive replaces
 * while the plan stays. A class that is not named is kept whole.
 */
export type SamplingState = Readonly<Record<SampledSignal, readonly ClassShare[]>> & {
  /** What may be kept until more is told; undefined: as much as comes. */
  readonly bound?: GuardBound | undefined;
};

/** Where a log record's randomness is from. */
export type LogRandomness = "trace_id" | { readonly attribute: string };

/** Of a plan, what the stage sample needs. */
export interface SamplingData extends SamplingClasses {
  readonly randomness: "trace_id" | "hash";
  readonly logRandomness: readonly LogRandomness[];
  /** Decide and count; drop nothing and mark nothing. */
  readonly dryRun: boolean;
  /**
   * Rates of these follow what comes: all of it is counted, by the probability that it came with.
   */
  readonly follows: readonly SampledSignal[];
  /** What holds until there is a directive. */
  readonly state: SamplingState;
}
