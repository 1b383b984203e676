import { Arena, CHUNK_BYTES } from "./arena.ts";
import { allocWasmMemory } from "./wasm-memory.ts";

/** Set by the tests for themselves and for the nodes that they start. */
const DEBUG_VARIABLE = "SIGNALBOX_ARENA_DEBUG";

/** An arena of this process. */
export function openArena(bytes: number): Arena {
  const memory = allocWasmMemory(Math.ceil(bytes / CHUNK_BYTES) * CHUNK_BYTES);
  return new Arena(bytes, { debug: process.env[DEBUG_VARIABLE] === "1", memory });
}
