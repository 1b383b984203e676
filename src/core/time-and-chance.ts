import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** What whoever waits or draws is handed: nobody asks the machine for the time, or for chance. */
export interface TimeAndChance {
  readonly clock: Clock;
  readonly random: Random;
}
