import type { Machine } from "./machine.ts";
import type { Measurement } from "./measure.ts";
import type { Timing } from "./rig.ts";
import type { ProbeResult } from "./probes.ts";

export interface Failure {
  readonly case: string;
  readonly system: string;
  readonly reason: string;
}

/** What the cases run so far came to. */
export interface Results {
  readonly measurements: Measurement[];
  readonly failures: Failure[];
  readonly probes: ProbeResult[];
}

/** The file that `--out` writes and bench/report.ts reads. */
export interface Report {
  readonly machine: Machine;
  /** As it can be typed again. */
  readonly command: string;
  readonly timing: Timing;
  readonly measurements: readonly Measurement[];
  readonly failures: readonly Failure[];
  readonly probes: readonly ProbeResult[];
  /** Systems that were not there, and why. */
  readonly absent: readonly { readonly system: string; readonly reason: string }[];
}

/** A failure of what is measured is a result, too. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
