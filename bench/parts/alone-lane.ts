import type { AloneArguments, AloneReport, AloneRequest } from "../alone.ts";
import type { Case } from "../case.ts";
import { openTalker } from "../child.ts";
import { loadArguments } from "../load-run.ts";
import type { Check } from "../rig.ts";
import type { Lane, LaneWindow, OpenLane } from "./series.ts";

export interface AlonePlan {
  readonly what: AloneArguments["what"];
  readonly run: Case;
  readonly windowMs: number;
}

/** One step by itself, in a process of its own, on the requests of a load. */
export function aloneLane(load: string, system: string, plan: AlonePlan): Lane {
  return { load, system, open: () => open(plan) };
}

async function open({ what, run, windowMs }: AlonePlan): Promise<OpenLane> {
  const options: AloneArguments = { what, load: loadArguments(run, 0, 0) };
  const child = await openTalker<AloneRequest, AloneReport>("alone.ts", options);
  let items = 0;
  return {
    async window() {
      const done = await child.ask({ ms: windowMs });
      items += done.items;
      return windowOf(done);
    },
    check: () => Promise.resolve({ ...ALL_THERE, acknowledgedItems: items, arrivedItems: items }),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

const ALL_THERE: Omit<Check, "acknowledgedItems" | "arrivedItems"> = {
  duplicates: 0,
  unanswered: 0,
  shares: [],
  arrivedBytes: 0,
  ok: true,
};

/** Nothing is sent: rates, and no latencies. */
function windowOf({ ms, cpuSeconds, requests, items, bytes }: AloneReport): LaneWindow {
  const seconds = ms / 1_000;
  return {
    windowMs: ms,
    sentItemsPerSecond: items / seconds,
    itemsPerSecond: items / seconds,
    requestsPerSecond: requests / seconds,
    cpuPercent: (100 * cpuSeconds) / seconds,
    itemsPerCpuSecond: items / cpuSeconds,
    requestsPerCpuSecond: requests / cpuSeconds,
    bytesPerCpuSecond: bytes / cpuSeconds,
    rssMiB: 0,
    peakRssMiB: 0,
    p50Ms: 0,
    p99Ms: 0,
    refused: {},
    failed: {},
    partial: 0,
    late: 0,
    generatorCpuPercent: 0,
    sinkCpuPercent: 0,
  };
}
