import type { BudgetState, StrategyStatus } from "../../plan/sampling/budget-state.ts";
import { keptPart, type ReceivedRow } from "../../plan/sampling/received.ts";
import type { RateBudget } from "./sampling-settings.ts";

/** `rate`: within the strategy's own bounds; `keptPerSecond`: at that, and all ceilings. */
export type BudgetSolution = Omit<StrategyStatus, "spent">;

/** A row, and what lowers it beside the rate that is asked for. */
export interface BoundRow {
  readonly row: ReceivedRow;
  readonly isProtected: boolean;
  /** The rate of what is protected, else the lowest of its ceilings. */
  readonly rate: number;
}

/**
 * The q of sum of received_i x min(1, P_i(q) / p_i) = allowed, exactly: each row that is not
 * protected grows with q by w_i / p_i, up to the lower of its ceiling and its probability on
 * arrival. So it is a line with bends, walked from bend to bend.
 */
export function solveBudget(budget: RateBudget, rows: readonly BoundRow[]): BudgetSolution {
  const charged = rows.filter(({ row }) => budget.signals.includes(row.signal));
  const found = solveFor(budget, charged);
  const rate = Math.min(budget.maxRate, Math.max(budget.minRate, found));
  const keptPerSecond = keptOf(budget, charged, rate);
  const state = stateOf(budget, charged, { found, rate, kept: keptPerSecond });
  return { name: budget.name, rate, state, allowedPerSecond: budget.allowedPerSecond, keptPerSecond };
}

/** What a row is charged with if all of it is kept. */
export function chargeOf({ charge }: RateBudget, row: ReceivedRow): number {
  const once = charge.item * row.items + charge.byte * row.bytes + charge.trace * row.traces;
  return charge.isPerCopy ? once * (row.copies ?? 1) : once;
}

/** What is not sampled takes more than all of it: lower than any rate. */
const NOTHING_LEFT = -1;

/** Infinity: all ceilings are reached before. */
function solveFor(budget: RateBudget, rows: readonly BoundRow[]): number {
  let left = budget.allowedPerSecond;
  const bends: { readonly at: number; readonly slope: number }[] = [];
  let slope = 0;
  for (const { row, isProtected, rate } of rows) {
    const charge = chargeOf(budget, row);
    if (isProtected || row.arrival === undefined) left -= charge * keptPart(rate, row.arrival);
    else {
      bends.push({ at: Math.min(rate, row.arrival), slope: charge / row.arrival });
      slope += charge / row.arrival;
    }
  }
  if (left < 0) return NOTHING_LEFT;
  let from = 0;
  for (const bend of bends.toSorted((a, b) => a.at - b.at)) {
    const there = left - slope * (bend.at - from);
    if (there < 0) return from + left / slope;
    left = there;
    from = bend.at;
    slope -= bend.slope;
  }
  return Number.POSITIVE_INFINITY;
}

function keptOf(budget: RateBudget, rows: readonly BoundRow[], q: number): number {
  let kept = 0;
  for (const { row, isProtected, rate } of rows) {
    kept += chargeOf(budget, row) * keptPart(isProtected ? rate : Math.min(rate, q), row.arrival);
  }
  return kept;
}

interface FoundRate {
  readonly found: number;
  readonly rate: number;
  readonly kept: number;
}

function stateOf(budget: RateBudget, rows: readonly BoundRow[], { found, rate, kept }: FoundRate): BudgetState {
  const all = rows.reduce((sum, { row }) => sum + chargeOf(budget, row), 0);
  if (all === 0) return "no_load";
  // A hair's breadth is nobody's trouble.
  if (found < rate && kept > budget.allowedPerSecond * (1 + 1e-9)) return "over_target";
  if (found <= rate) return "on_target";
  return kept >= all * (1 - 1e-12) ? "under_target" : "bound_by_ceilings";
}
