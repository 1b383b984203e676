import type { Case } from "../case.ts";
import { caseNamed } from "../cases.ts";
import { otherBuild, SIGNALBOX } from "../system.ts";
import { laneOf, USUAL } from "./lanes.ts";
import { startsOf, takeTurns } from "./series.ts";
import type { Series, SeriesResult } from "./series.ts";

export const HELD = "100 spans, held for a second";
export const THOUSAND = "gRPC, 1,000 spans a request, by service";

/** Targets that answer late: 4,096 requests, 170 MB, are in the router for a second each. */
const HELD_MS = 1_000;
const HELD_CASE: Case = {
  ...USUAL,
  title: HELD,
  connections: 8,
  streams: 512,
  limits: {
    maxConcurrentStreams: 512,
    maxInFlightBytes: 536_870_912,
    maxConcurrentRequests: 16_384,
    maxInFlight: 4_096,
    queueBytes: 536_870_912,
  },
};

/**
 * Another build and this one, in turns, under each load: the other one is what this one is compared
 * with. Both have the same config, so it has to be one that the other build can read.
 */
export async function measureAgainst(root: string, windows: number, short: boolean): Promise<SeriesResult> {
  const timing = short ? { warmUpMs: 800, windowMs: 1_200 } : { warmUpMs: 1_500, windowMs: 4_000 };
  const usual = ["grpc-10", "grpc-100", "grpc-1000", "http-10", "http-100", "http-1000"].map(caseNamed);
  const series: Series[] = [];
  for (const run of [...usual, HELD_CASE]) {
    const answers = { afterMs: run === HELD_CASE ? HELD_MS : 0, unavailable: false };
    const held = run === HELD_CASE ? { ...timing, warmUpMs: timing.warmUpMs + 2 * HELD_MS } : timing;
    const lanes = [otherBuild(root), SIGNALBOX].map((system) => {
      const missing = system.missing();
      if (missing !== undefined) throw new Error(missing);
      return laneOf({ load: run.title, system, run, timing: held, answers });
    });
    series.push(...(await takeTurns(lanes, startsOf(windows))));
  }
  return { kind: "against", series, cores: undefined };
}
