import type { Case } from "../case.ts";
import { openRig } from "../rig.ts";
import type { Rig, RigLoad, Timing } from "../rig.ts";
import { NGINX } from "../peers.ts";
import { SIGNALBOX } from "../system.ts";
import type { System } from "../system.ts";
import { warmUp } from "./lanes.ts";
import { shareCores, startsOf, takeTurns } from "./series.ts";
import type { Cores, Lane, SeriesName, SeriesResult } from "./series.ts";
import { median } from "./statistics.ts";

export const SHARES = [
  { load: "a quarter of the capacity", share: 0.25 },
  { load: "half of the capacity", share: 0.5 },
];
export const DIRECT = "none";

/** As many calls on a connection as an open loop may have under way. */
const OPEN_LOOP_STREAMS = 256;
const CAPACITY_WINDOWS = 3;
/**
 * Of CPU at full load before the first window. Without it a router on one core had a p99 of 363 and
 * 83 ms in its first two windows at half load, and of 5 to 10 in the next four: V8 compiles on the
 * same core (2026-11-30, commit 17714fd9).
 */
const WARM_CPU_MS = 6_000;

/**
 * Latency at a fixed rate, in an open loop: straight to the sink, through the router, and through
 * nginx where it is there. The rates are parts of what the router carries in the same run.
 */
export async function measureAddedLatency(
  kind: SeriesName,
  run: Case,
  windows: number,
  short: boolean,
): Promise<SeriesResult> {
  const timing = short ? { warmUpMs: 800, windowMs: 1_500 } : { warmUpMs: 1_500, windowMs: 5_000 };
  const cores = shareCores();
  const capacity = await requestsOf(run, timing, cores);
  const openLoop: Case = { ...run, streams: OPEN_LOOP_STREAMS };
  const systems = [undefined, SIGNALBOX, ...(NGINX.missing() === undefined ? [NGINX] : [])];
  const firstCpuMs = short ? 500 : WARM_CPU_MS;
  const lanes = SHARES.flatMap(({ load, share }) =>
    systems.map((system) => {
      const requestsPerSecond = Math.round(share * capacity);
      return laneAt({ load, run: openLoop, full: run, system, requestsPerSecond, timing, firstCpuMs, cores });
    }),
  );
  return { kind, series: await takeTurns(lanes, startsOf(windows)), cores };
}

/** Requests a second, with all cores that it has. */
async function requestsOf(run: Case, timing: Timing, cores: Cores | undefined): Promise<number> {
  await using rig = await openRig(run, SIGNALBOX);
  rig.pin(cores);
  const load = await rig.load(run);
  const windows: number[] = [];
  for (let i = 0; i < CAPACITY_WINDOWS; i++) windows.push((await load.window(timing)).requestsPerSecond);
  return median(windows);
}

interface LoadAt {
  readonly load: string;
  readonly run: Case;
  /** What it is warmed up with. */
  readonly full: Case;
  readonly system: System | undefined;
  readonly requestsPerSecond: number;
  readonly timing: Timing;
  readonly firstCpuMs: number;
  readonly cores: Cores | undefined;
}

function laneAt({ load, run, full, system, requestsPerSecond, timing, firstCpuMs, cores }: LoadAt): Lane {
  return {
    load,
    system: system?.name ?? DIRECT,
    async open() {
      await using owned = new AsyncDisposableStack();
      const rig: Rig = owned.use(await openRig(run, system));
      rig.pin(cores);
      if (system !== undefined) await warmUp(rig.pid, await rig.load(full), firstCpuMs);
      // How late the generator's own timer is, is not the system's doing.
      const sending: RigLoad = await rig.load(run, { requestsPerSecond, latencyFrom: "sent" });
      const kept = owned.move();
      return {
        window: () => sending.window(timing),
        check: () => rig.check(),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },
  };
}
