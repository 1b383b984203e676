import type { TargetStatus } from "../../plan/data-plane.ts";
import type { ItemExplanation, PickExplanation, PlaceExplanation, Refused } from "../../plan/explanation.ts";

/** Where an item would go if it came now. */
export interface Route {
  /** The rule that takes it; `(default)` stands for the default pool. undefined: no rule does. */
  readonly rule: string | undefined;
  readonly pool: string | undefined;
  /**
   * Targets that it may go to: the one that would be picked, if that is certain, then all that are
   * usable, then the others.
   */
  readonly targets: readonly RoutedTarget[];
  /** Which of them the next batch would go to. */
  readonly pick: PickExplanation | undefined;
  /** Places of the copies that rules with `mode: copy` make. */
  readonly copies: readonly RoutedCopy[];
  /** Why it would be refused; undefined when it would not be. */
  readonly refusal: Refused | undefined;
  /** Rule by rule and target by target, as `signalbox explain` tells it. */
  readonly explanation: ItemExplanation;
}

export interface RoutedCopy {
  readonly rule: string;
  readonly pool: string;
  readonly targets: readonly RoutedTarget[];
  readonly pick: PickExplanation;
}

export interface RoutedTarget extends Pick<TargetStatus, "id" | "endpoint" | "region" | "weight" | "state"> {
  /** Health lets it be used. */
  readonly usable: boolean;
}

/**
 * What an explanation says of where its item goes. `noRoute` is what is said where no rule takes
 * it.
 */
export function routeOf(
  explanation: ItemExplanation,
  status: (id: string) => TargetStatus | undefined,
  noRoute: Refused,
): Route {
  const { place, copies, unmatched } = explanation;
  return {
    rule: place?.rule,
    pool: place?.pool,
    targets: place === null ? [] : targetsOf(place, status),
    pick: place?.pick,
    copies: copies.map((copy) => ({
      rule: copy.rule,
      pool: copy.pool,
      targets: targetsOf(copy, status),
      pick: copy.pick,
    })),
    refusal: place?.refusal ?? (unmatched === "refuse" ? noRoute : undefined),
    explanation,
  };
}

function targetsOf(
  { targets, pick }: PlaceExplanation,
  status: (id: string) => TargetStatus | undefined,
): RoutedTarget[] {
  const rank = (id: string, usable: boolean): number => {
    if (pick.kind === "target" && pick.target === id) return 0;
    return usable ? 1 : 2;
  };
  return targets
    .filter(({ in_channel: suits }) => suits)
    .map(({ id, state, usable, weight }) => {
      const { endpoint = "", region = "" } = status(id) ?? {};
      return { id, endpoint, region, weight, state, usable };
    })
    .toSorted((a, b) => rank(a.id, a.usable) - rank(b.id, b.usable));
}
