import type { Case } from "./case.ts";
import { measure } from "./measure.ts";
import type { Measurement, RunOptions, Timing } from "./measure.ts";
import type { Results } from "./results.ts";
import type { System } from "./system.ts";

/** Called after each window. */
export type Measured = (measurement: Measurement) => void;

const OPEN_END = { part: "", requestsPerSecond: 0 } as const;

/**
 * Runs one case through one system and appends what came out. A failure of the system is a result,
 * too.
 */
export async function runCase(
  run: Case,
  system: System,
  timing: Timing,
  into: Results,
  measured: Measured,
): Promise<void> {
  try {
    for (const { direct, options } of await windowsOf(run, system, timing, into)) {
      const measurement = await measure(run, direct ? undefined : system, options);
      into.measurements.push(measurement);
      measured(measurement);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    into.failures.push({ case: run.name, system: system.name, reason });
  }
}

interface Window {
  /** Straight to the sink, for comparison. */
  readonly direct: boolean;
  readonly options: RunOptions;
}

async function windowsOf(run: Case, system: System, timing: Timing, results: Results): Promise<Window[]> {
  const { load } = run;
  if (load.kind === "saturating") return [{ direct: false, options: { timing, ...OPEN_END } }];
  const capacity = await capacityOf(run, load.of, system, timing, results);
  const at = (part: string, share: number, direct = false): Window => ({
    direct,
    options: { timing, part, requestsPerSecond: Math.round(capacity * share) },
  });
  if (load.kind === "half") return [at("direct", 0.5, true), at("half", 0.5)];
  return [at("1x", 1), at("3x", 3)];
}

/** Requests a second of the case that this one is relative to: measured before, or now. */
async function capacityOf(
  run: Case,
  of: string,
  system: System,
  timing: Timing,
  { measurements }: Results,
): Promise<number> {
  const known = measurements.find((each) => each.case === of && each.system === system.name);
  if (known !== undefined) return known.requestsPerSecond;
  const saturating: Case = { ...run, load: { kind: "saturating" }, connections: 4, streams: 16 };
  return (await measure(saturating, system, { timing, ...OPEN_END })).requestsPerSecond;
}
