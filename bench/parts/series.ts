import type { Check, Window } from "../rig.ts";
import { allowedCores, twoCores } from "../pin.ts";
import { orderOf } from "./statistics.ts";

/** One system under one load. */
export interface Lane {
  readonly load: string;
  readonly system: string;
  open(): Promise<OpenLane>;
}

/** With its processes, which end with it. */
export interface OpenLane extends AsyncDisposable {
  window(): Promise<LaneWindow>;
  /** After the last window. */
  check(): Promise<Check>;
}

export interface LaneWindow extends Window {
  /** Collections of the whole heap, of all processes of the system, where they are counted. */
  readonly collections?: Collections;
}

export interface Collections {
  readonly full: number;
  /** The longest of them. */
  readonly longestMs: number;
}

/** The windows of a lane in the order of their turns. */
export interface Series {
  readonly load: string;
  readonly system: string;
  readonly windows: readonly LaneWindow[];
  readonly allThere: boolean;
  /** What came to the sinks for each item that was acknowledged. */
  readonly outBytesPerItem: number;
}

export type SeriesName =
  | "workers"
  | "latency"
  | "latency-wire"
  | "in-flight"
  | "against"
  | "wire"
  | "wire-http"
  | "protocols"
  | "signals"
  | "sampling"
  | "stages";

/** A part of the benchmark whose systems are measured in turns. */
export interface SeriesResult {
  readonly kind: SeriesName;
  readonly series: readonly Series[];
  /** Cores of their own for the systems, by number; undefined: all of them share all. */
  readonly cores: Cores | undefined;
  /** What else belongs below the table. */
  readonly notes?: readonly string[];
}

export interface Cores {
  readonly system: string;
  readonly others: string;
  /** Of the system. */
  readonly count: number;
}

export interface Turns {
  /** How often all processes are started anew: what one of them happens to be like is not all. */
  readonly starts: number;
  /** Windows of each lane in each start. */
  readonly turns: number;
}

/** A window of each lane in turn, as often as is asked for: all others rest meanwhile. */
export async function takeTurns(lanes: readonly Lane[], { starts, turns }: Turns): Promise<Series[]> {
  const windows: LaneWindow[][] = lanes.map(() => []);
  const checks: Check[] = [];
  for (let start = 0; start < starts; start++) {
    await using owned = new AsyncDisposableStack();
    const open: OpenLane[] = [];
    for (const lane of lanes) open.push(owned.use(await lane.open()));
    for (let turn = 0; turn < turns; turn++) {
      for (const at of orderOf(lanes.length, start * turns + turn)) {
        const window = await open[at]!.window();
        windows[at]!.push(window);
        const { load, system } = lanes[at]!;
        const items = Math.round(window.itemsPerSecond).toLocaleString("en-US");
        process.stderr.write(`  ${load}, ${system}: ${items} items/s\n`);
      }
    }
    for (const each of open) checks.push(await each.check());
  }
  return lanes.map(({ load, system }, at) => {
    const own = checks.filter((_, i) => i % lanes.length === at);
    const sum = (of: (check: Check) => number): number => own.reduce((all, check) => all + of(check), 0);
    return {
      load,
      system,
      windows: windows[at]!,
      allThere: own.every(({ ok }) => ok),
      outBytesPerItem: sum(({ arrivedBytes }) => arrivedBytes) / sum(({ acknowledgedItems }) => acknowledgedItems),
    };
  });
}

/**
 * Two cores for load and sinks and all others for the system; of two or three one for each.
 * Undefined where nothing can be pinned.
 */
export function shareCores(): Cores | undefined {
  if (twoCores() === undefined) return undefined;
  const cores = allowedCores();
  const others = cores.length >= 4 ? 2 : 1;
  const system = cores.length >= 4 ? cores.slice(0, -others) : cores.slice(0, 1);
  return { system: system.join(","), others: cores.slice(-others).join(","), count: system.length };
}

/** Four starts, or as many as there are windows. */
export function startsOf(windows: number): Turns {
  const starts = Math.min(4, windows);
  return { starts, turns: Math.ceil(windows / starts) };
}
