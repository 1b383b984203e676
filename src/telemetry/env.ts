import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/**
 * What every long-lived part of a node is handed: time, chance, and the three places where it says
 * what it does.
 */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ledger: Ledger;
}
