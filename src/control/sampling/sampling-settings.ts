import type { RatedSignal } from "../../plan/sampling/received.ts";

export type ClassPriority = "high" | "normal" | "low";

/** What items are told apart by: one rule of `priority_based`, or the class of all others. */
export interface RatedClass {
  readonly name: string;
  /** `high` is protected: nothing lowers its rate. */
  readonly priority: ClassPriority;
  /** Of what is protected: its probability. Else: its ceiling. */
  readonly rate: number;
  readonly signals: readonly RatedSignal[];
}

/** Lowers all that is not protected, everywhere or in one region. */
export interface RateCeiling {
  readonly reason: "fixed" | "region";
  readonly rate: number;
  readonly signals: readonly RatedSignal[];
  /** Undefined: everywhere. */
  readonly region?: string;
}

/** What a strategy takes for one item that is kept, in its own unit. */
export interface RateCharge {
  readonly item: number;
  readonly byte: number;
  readonly trace: number;
  /** Each pool that an item goes to is charged. */
  readonly isPerCopy: boolean;
}

/** So much a second of something may be kept: `adaptive` and `cost_based`. */
export interface RateBudget {
  /** Unique; what is told of it goes by this. */
  readonly name: string;
  readonly signals: readonly RatedSignal[];
  readonly allowedPerSecond: number;
  /** Binds this strategy only: another one may go lower. */
  readonly minRate: number;
  readonly maxRate: number;
  readonly charge: RateCharge;
}

export interface SamplingSettings {
  readonly classes: readonly RatedClass[];
  readonly ceilings: readonly RateCeiling[];
  readonly budgets: readonly RateBudget[];
}

export const ITEM_CHARGE: RateCharge = { item: 1, byte: 0, trace: 0, isPerCopy: false };
export const BYTE_CHARGE: RateCharge = { item: 0, byte: 1, trace: 0, isPerCopy: false };
export const TRACE_CHARGE: RateCharge = { item: 0, byte: 0, trace: 1, isPerCopy: false };
