import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { reasonOf } from "../core/errors.ts";
import type { DataPlane, OperatorState, OperatorOverride } from "../plan/data-plane.ts";
import { inTime } from "./in-time.ts";
import { openDirectory, writeAtomically } from "../core/atomic-write.ts";
import type { Env } from "../telemetry/env.ts";

interface OperatorStatesOptions extends Pick<Env, "clock" | "log"> {
  /** Where they are kept; undefined: they end with the process. */
  readonly file: string | undefined;
  readonly dataPlane: DataPlane;
}

/** What operators want of targets, kept over restarts. */
export interface OperatorStates {
  /**
   * False when there is no such target. Ends when it is safe on disk, or the log says that it is
   * not. Never rejects.
   */
  operate(id: string, override: OperatorOverride): Promise<boolean>;
}

/**
 * Gives the data plane back what held when the node last ran. What has expired is dropped; a
 * damaged file is left out and told.
 */
export async function openOperatorStates(options: OperatorStatesOptions): Promise<OperatorStates> {
  const { file, dataPlane, clock, log } = options;
  const kept = file === undefined ? [] : await readStates(file, options);
  for (const { id, ...override } of kept) {
    if (override.untilMs !== undefined && override.untilMs <= clock.wallMs()) continue;
    if (await dataPlane.operate(id, override))
      log.info("operator state of a target holds on", { target: id, state: override.state });
  }
  let written: Promise<void> = Promise.resolve();
  return {
    async operate(id, override) {
      if (!(await dataPlane.operate(id, override))) return false;
      log.info("operator state of a target", { target: id, state: override.state, note: override.note });
      if (file === undefined) return true;
      written = written.then(async () => writeStates(file, await dataPlane.operatorStates(), options));
      await written;
      return true;
    },
  };
}

/** Far more than one for each of the largest number of targets. */
const MAX_BYTES = 16 * 1_024 * 1_024;

async function readStates(file: string, { clock, log }: OperatorStatesOptions): Promise<OperatorState[]> {
  let text: string;
  try {
    text = await inTime(clock, readFile(file, "utf8"));
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) {
      log.error("operator states cannot be read: all targets begin without one", { file, reason: reasonOf(cause) });
    }
    return [];
  }
  const states = text.length > MAX_BYTES ? undefined : parseStates(text);
  if (states === undefined) {
    log.warn("operator states are left out: their file is damaged", { file });
    return [];
  }
  return states;
}

async function writeStates(
  file: string,
  states: readonly OperatorState[],
  { clock, log }: OperatorStatesOptions,
): Promise<void> {
  try {
    await inTime(clock, openDirectory(dirname(file)));
    const list = states.map(({ id, state, untilMs, note }) => ({ id, state, until_ms: untilMs ?? null, note }));
    await inTime(clock, writeAtomically(file, `${JSON.stringify({ states: list }, undefined, 2)}\n`));
  } catch (cause) {
    log.warn("operator states end with this process: they cannot be written", { file, reason: reasonOf(cause) });
  }
}

const StateSchema = z
  .object({
    id: z.string(),
    state: z.enum(["drain", "maintenance"]),
    until_ms: z.number().nullable(),
    note: z.string(),
  })
  .transform(({ until_ms: untilMs, ...state }): OperatorState => ({ ...state, untilMs: untilMs ?? undefined }));
const StatesSchema = z.object({ states: z.array(StateSchema) });

/** Undefined when the text is not what is written here. */
function parseStates(text: string): OperatorState[] | undefined {
  try {
    return StatesSchema.parse(JSON.parse(text)).states;
  } catch {
    return undefined;
  }
}
