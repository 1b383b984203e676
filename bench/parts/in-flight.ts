import type { Case, RouterLimits } from "../case.ts";
import { SIGNALBOX } from "../system.ts";
import { laneOf, USUAL } from "./lanes.ts";
import { shareCores, startsOf, takeTurns } from "./series.ts";
import type { SeriesResult } from "./series.ts";

/** 8,000 calls under way, 340 MB of requests: so many are to be taken on, for both loads alike. */
const LIMITS: RouterLimits = {
  maxConcurrentStreams: 1_000,
  maxInFlightBytes: 536_870_912,
  maxConcurrentRequests: 16_384,
  queueBytes: 536_870_912,
};
const FEW: Case = { ...USUAL, limits: LIMITS, connections: 4, streams: 16 };
const MANY: Case = { ...USUAL, limits: LIMITS, connections: 8, streams: 1_000 };

/** What senders that do not hold back cost: goodput, and collections of the whole heap. */
export async function measureInFlight(windows: number, short: boolean): Promise<SeriesResult> {
  const timing = short ? { warmUpMs: 2_000, windowMs: 3_000 } : { warmUpMs: 3_000, windowMs: 10_000 };
  const cores = shareCores();
  const lanes = [FEW, MANY].map((run) => {
    const load = `${(run.connections * run.streams).toLocaleString("en-US")} in flight`;
    return laneOf({ load, system: SIGNALBOX, run, timing, cores, collections: true });
  });
  return { kind: "in-flight", series: await takeTurns(lanes, startsOf(windows)), cores };
}
