import type { Condition, SignalName } from "../../condition-type.ts";
import type { Cubes } from "./cube.ts";
import { isPartTaken } from "./split.ts";

/** A rule, or a case of a strategy, in the order in which they are asked. */
export interface Asked {
  readonly conditions: readonly Condition[];
  readonly signals: readonly SignalName[];
  /** What it takes is not asked any further. */
  readonly stops: boolean;
}

/** What one of them asks, as cubes. */
export interface AskedOfSignals {
  readonly asked: Readonly<Record<SignalName, Cubes>>;
  /** Those that are not treated like another one. */
  readonly different: readonly SignalName[];
}

/** Whether the taker may take something of one that is asked after it. */
export function takesOf({ different, asked }: AskedOfSignals, other: AskedOfSignals): boolean {
  for (let s = 0; s < different.length; s++) {
    const signal = different[s]!;
    const { cubes, isExact } = asked[signal];
    if (!isExact || !other.different.includes(signal)) continue;
    const theirs = other.asked[signal].cubes;
    for (let c = 0; c < theirs.length; c++)
      for (let own = 0; own < cubes.length; own++) if (isPartTaken(theirs[c]!, cubes[own]!)) return true;
  }
  return false;
}
