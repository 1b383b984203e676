import { Arena } from "./arena.ts";

/** Set by the tests for themselves and for the nodes that they start. */
const DEBUG_VARIABLE = "SIGNALBOX_ARENA_DEBUG";

/** An arena of this process. */
export function openArena(bytes: number): Arena {
  return new Arena(bytes, { debug: process.env[DEBUG_VARIABLE] === "1" });
}
