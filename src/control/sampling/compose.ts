import type { ClassRate, RateReason } from "../../plan/sampling/class-rate.ts";
import type { ReceivedRow, RatedSignal } from "../../plan/sampling/received.ts";
import type { RateBudget, RateCeiling, RatedClass, SamplingSettings } from "./sampling-settings.ts";
import { type BoundRow, type BudgetSolution, solveBudget } from "./solve-budget.ts";

export interface SamplingComposition {
  /** One for each class and signal, and for each region with a ceiling of its own. */
  readonly rates: readonly ClassRate[];
  readonly budgets: readonly BudgetSolution[];
}

/**
 * The probability of each class, from what was received and the settings; design.md section 10.
 * `held`: rates of budgets, by name, that are used instead of those that were found, since a leader
 * moves from one to the next in steps.
 */
export function composeSampling(
  received: readonly ReceivedRow[],
  settings: SamplingSettings,
  held: ReadonlyMap<string, number> = NONE_HELD,
): SamplingComposition {
  const rows = received.map((row) => boundRow(row, settings));
  const budgets = settings.budgets.map((budget) => solveBudget(budget, rows));
  const found = budgets.map(({ name, rate }, i) => ({ budget: settings.budgets[i]!, rate: held.get(name) ?? rate }));
  const regions = new Set(settings.ceilings.map(({ region }) => region).filter((region) => region !== undefined));
  const rates = settings.classes.flatMap((one) =>
    one.signals.flatMap((signal) =>
      // What is protected is the same everywhere.
      [undefined, ...(one.priority === "high" ? [] : regions)].map((region) =>
        classRate(one, { signal, region }, settings.ceilings, found),
      ),
    ),
  );
  return { rates, budgets };
}

const NONE_HELD: ReadonlyMap<string, number> = new Map();

function boundRow(row: ReceivedRow, { classes, ceilings }: SamplingSettings): BoundRow {
  const its = classes.find(({ name, signals }) => name === row.class && signals.includes(row.signal));
  // Nothing samples it, so all of it counts.
  if (its === undefined) return { row, isProtected: true, rate: 1 };
  if (its.priority === "high") return { row, isProtected: true, rate: its.rate };
  const lowest = Math.min(its.rate, ...ceilings.filter((one) => isFor(one, row)).map(({ rate }) => rate));
  return { row, isProtected: false, rate: lowest };
}

interface ClassPlace {
  readonly signal: RatedSignal;
  readonly region: string | undefined;
}

function isFor({ signals, region }: RateCeiling, place: ClassPlace): boolean {
  return signals.includes(place.signal) && (region === undefined || region === place.region);
}

interface HeldBudget {
  readonly budget: RateBudget;
  readonly rate: number;
}

type Term = Pick<ClassRate, "probability" | "reason" | "by">;

/** The lowest term; of equal ones the first. */
function classRate(
  { name, priority, rate }: RatedClass,
  place: ClassPlace,
  ceilings: readonly RateCeiling[],
  budgets: readonly HeldBudget[],
): ClassRate {
  const its = { ...place, class: name };
  if (priority === "high") return { ...its, probability: rate, reason: "protected", by: undefined };
  let lowest: Term = { probability: rate, reason: "class", by: undefined };
  for (const ceiling of ceilings) {
    if (!isFor(ceiling, place) || ceiling.rate >= lowest.probability) continue;
    lowest = { probability: ceiling.rate, reason: ceiling.reason, by: undefined };
  }
  for (const { budget, rate: held } of budgets) {
    if (!budget.signals.includes(place.signal) || held >= lowest.probability) continue;
    lowest = { probability: held, reason: budgetReason(budget, held), by: budget.name };
  }
  return { ...its, ...lowest };
}

function budgetReason({ minRate, maxRate }: RateBudget, rate: number): RateReason {
  if (rate <= minRate) return "budget_minimum";
  return rate >= maxRate ? "budget_maximum" : "budget";
}
