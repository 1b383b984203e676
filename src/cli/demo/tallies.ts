import { POINTS_PER_METRIC } from "../../generate/metric.ts";
import { Tally } from "../../generate/tally.ts";
import { type Signal, SIGNALS } from "../../otlp/signal.ts";

/** 134 million items of each signal in 16 MiB: more than the demo sends in a day. */
const MAX_PAGES = 256;

/** Which generated items arrived at any target. */
export interface Tallies {
  /** Where the rules sent them: each once, unless it was delivered again. */
  readonly first: Readonly<Record<Signal, Tally>>;
  /** Copies of spans that a rule asked for. */
  readonly copies: Tally;
}

export function openTallies(): Tallies {
  const first = { traces: new Tally(MAX_PAGES), metrics: new Tally(MAX_PAGES), logs: new Tally(MAX_PAGES) };
  return { first, copies: new Tally(MAX_PAGES) };
}

/** What the router's ledger counts for so many generated items: spans, data points of metrics, log records. */
export function ledgerItems(signal: Signal, items: number): number {
  return signal === "metrics" ? items * POINTS_PER_METRIC : items;
}

/** Arrivals of an item after its first, copies by rule left aside. */
export function duplicates({ first }: Tallies): number {
  return SIGNALS.reduce((sum, signal) => sum + ledgerItems(signal, first[signal].counts().duplicates), 0);
}
