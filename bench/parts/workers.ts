import { SIGNALBOX } from "../system.ts";
import { laneOf, USUAL } from "./lanes.ts";
import { shareCores, startsOf, takeTurns } from "./series.ts";
import type { SeriesResult } from "./series.ts";

/** As series name them. */
export const WORKERS = [1, 2, 0].map((count) => ({ count, name: `node.workers: ${count}` }));

/** What a second worker brings, and what none saves, beside one. */
export async function measureWorkers(windows: number, short: boolean): Promise<SeriesResult> {
  const timing = short ? { warmUpMs: 800, windowMs: 1_500 } : { warmUpMs: 1_000, windowMs: 4_000 };
  // Where there are cores for it. With fewer, two workers on one core could not be told from one.
  const shared = shareCores();
  const cores = shared !== undefined && shared.count >= 2 ? shared : undefined;
  const lanes = WORKERS.map(({ count, name }) =>
    laneOf({ load: "100 spans", name, system: SIGNALBOX, run: { ...USUAL, workers: count }, timing, cores }),
  );
  return { kind: "workers", series: await takeTurns(lanes, startsOf(windows)), cores };
}
