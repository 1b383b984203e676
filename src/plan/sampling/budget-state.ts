/**
 * What became of the question which rate keeps as much as is allowed. A closed list: label of a
 * metric.
 */
export const BUDGET_STATES = [
  /** Nothing came. */
  "no_load",
  /** All that came may be kept. */
  "under_target",
  /** The rate keeps what is allowed. */
  "on_target",
  /** More than is allowed is kept at the lowest rate. */
  "over_target",
  /** Less than is allowed is kept at the highest rate: other settings drop the rest. */
  "bound_by_ceilings",
] as const;
export type BudgetState = (typeof BUDGET_STATES)[number];

/** For people: why it is so, and what would help. */
export const STATE_REASONS: Readonly<Record<BudgetState, string>> = {
  no_load: "nothing comes",
  under_target: "all that comes may be kept",
  on_target: "its rate keeps what is allowed",
  over_target:
    "more is kept than is allowed, at its min_rate already: what is protected or has no trace id may be too much; allow more, or lower min_rate or the rates of priority high",
  bound_by_ceilings:
    "less is kept than is allowed: rates of classes, of fixed, of a region, or its own max_rate drop the rest; raise them to keep more",
};

/** How a strategy does whose rate follows what comes, as whoever decides has it. */
export interface StrategyStatus {
  readonly name: string;
  readonly state: BudgetState;
  /** That is in force, as far as this strategy decides. */
  readonly rate: number;
  /** In its own unit, and what is kept of that at the rates that are decided. */
  readonly allowedPerSecond: number;
  readonly keptPerSecond: number;
  /** Of `cost_based`: what of the hour's budget has been spent. */
  readonly spent?: { readonly hour: number; readonly spent: number; readonly budget: number } | undefined;
}
