import type { TimeAndChance } from "../core/time-and-chance.ts";
import type { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/**
 * What every long-lived part of a node is handed: time, chance, and the three places where it says
 * what it does.
 */
export interface Env extends TimeAndChance {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ledger: Ledger;
}

/** Of what also does its work without a log: it only counts then. */
export interface CountingEnv extends TimeAndChance {
  readonly metrics: Metrics;
  readonly log?: Log;
}
