import type { Case } from "../case.ts";
import type { System } from "../system.ts";
import { laneOf } from "./lanes.ts";
import { startsOf, takeTurns } from "./series.ts";
import type { Lane, Series } from "./series.ts";

/** Who is measured in turns under one load: all others are compared with the first. */
export interface Comparison {
  readonly load: string;
  readonly lanes: readonly Compared[];
}

/** A system under a load of its own, or anything else that can be measured in windows. */
export type Compared =
  | { readonly system: System; readonly name?: string; readonly run: Case }
  | { readonly lane: (load: string, windowMs: number) => Lane };

/**
 * What a system spends before its first window, so that it is one that has run for a while: 1.5 s
 * after its start a router carried 417,000 spans a CPU-second, and after 8 s, when V8 had compiled
 * what it uses, 565,000 (2026-11-29, 10 spans a request, a busy machine with two cores).
 */
const WARM_CPU_MS = 6_000;

/** One comparison after the other; all processes of one of them run at the same time. */
export async function compare(
  comparisons: readonly Comparison[],
  windows: number,
  short: boolean,
): Promise<readonly Series[]> {
  const timing = short ? { warmUpMs: 300, windowMs: 1_000 } : { warmUpMs: 500, windowMs: 3_000 };
  const firstCpuMs = short ? 500 : WARM_CPU_MS;
  const series: Series[] = [];
  for (const { load, lanes } of comparisons) {
    const open = lanes.map((each) =>
      "lane" in each ? each.lane(load, timing.windowMs) : laneOf({ ...each, load, timing, firstCpuMs }),
    );
    series.push(...(await takeTurns(open, startsOf(windows))));
  }
  return series;
}
