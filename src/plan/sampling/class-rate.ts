import { remembered } from "../../core/remembered.ts";
import type { ReceivedRow, RatedSignal } from "./received.ts";
import { keptPart } from "./received.ts";

/** Why a class has the probability that it has. A closed list. */
export const RATE_REASONS = [
  /** Its own rate, which nothing lowers. */
  "protected",
  /** Its own ceiling. */
  "class",
  "fixed",
  "region",
  /** What keeps as much as a strategy allows. */
  "budget",
  /** The lowest, or the highest, rate of that strategy. */
  "budget_minimum",
  "budget_maximum",
] as const;
export type RateReason = (typeof RATE_REASONS)[number];

/** The probability of a class, as it is decided above a node. */
export interface ClassRate {
  readonly signal: RatedSignal;
  readonly class: string;
  /** Undefined: in all regions that have none of their own. */
  readonly region?: string | undefined;
  readonly probability: number;
  readonly reason: RateReason;
  /** Name of the strategy that it is due to. */
  readonly by?: string | undefined;
  /** Of traces: what their sources are told to send. */
  readonly source?: ToldRate | undefined;
}

/** What sources of a class are told, and what that came to. */
export interface ToldRate {
  /** Share that they are told to send. */
  readonly rate: number;
  /** What arrives of all that there is: more than the rate where only some sources ask. */
  readonly reach: number;
}

/** Undefined: nothing is said of the class. */
export function rateIn(
  rates: readonly ClassRate[],
  { signal, class: name, region }: Pick<ReceivedRow, "signal" | "class" | "region">,
): ClassRate | undefined {
  const places = placesOf(rates);
  return places.get(placeOf(signal, name, region)) ?? places.get(placeOf(signal, name, undefined));
}

/**
 * Of several of the same place the first. Made once of a list: with a ceiling for each of many
 * regions there are thousands of rates.
 */
const placesOf = remembered(
  (rates: readonly ClassRate[]): ReadonlyMap<string, ClassRate> =>
    new Map(rates.toReversed().map((rate) => [placeOf(rate.signal, rate.class, rate.region), rate])),
);

function placeOf(signal: RatedSignal, name: string, region: string | undefined): string {
  return region === undefined ? `${signal} ${name}` : `${signal} ${name}\u0000${region}`;
}

/** Items a second of a row that are kept. What no class takes is kept. */
export function keptItems(rates: readonly ClassRate[], row: ReceivedRow): number {
  return row.items * keptPart(rateIn(rates, row)?.probability ?? 1, row.arrival);
}
