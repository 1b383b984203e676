import type { Case } from "./case.ts";
import { openRig } from "./rig.ts";
import type { Check, Timing, Window } from "./rig.ts";
import type { System } from "./system.ts";

/** One measured window of fresh processes. */
export interface Measurement extends Window {
  readonly case: string;
  readonly system: string;
  readonly requestBytes: number;
  readonly check: Check;
}

/** Starts sinks, system and load, measures one window and ends them all. */
export async function measure(run: Case, system: System, timing: Timing): Promise<Measurement> {
  await using rig = await openRig(run, system);
  const load = await rig.load(run);
  const window = await load.window(timing);
  const { requestBytes } = load;
  return { case: run.name, system: system.name, requestBytes, ...window, check: await rig.check() };
}
