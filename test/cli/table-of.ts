import assert from "node:assert/strict";
import { isoTime } from "../../src/core/iso-time.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { runCli } from "./run-cli.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";

/** Of all tables of a test file: it stands still. */
export const CLOCK = new ManualClock();
/** A moment as the admin API tells it. */
export const at = (secondsFromNow: number): string => isoTime(CLOCK.wallMs() + secondsFromNow * 1_000);

export const PIPE = Number.POSITIVE_INFINITY;

/**
 * What a command prints of an answer. `columns`: of a terminal; PIPE: it is read by a program.
 */
export async function tableOf(argv: readonly string[], body: unknown, columns = 80): Promise<string> {
  await using admin = await ScriptedAdmin.open({ body });
  // The time limit of the call never passes on a clock that stands still.
  const terminal = columns === PIPE ? {} : { columns };
  const { code, out, err } = await runCli([...argv, "--url", admin.url], { clock: CLOCK, ...terminal });
  assert.deepEqual([code, err], [0, ""]);
  return out;
}
