import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

let collect: Collect | undefined;

/**
 * Collects the whole heap now, and gives what is free of it back to the system: V8 by itself keeps
 * the most that it ever needed, for minutes. It holds up this thread, for some 50 ms where 30 MB
 * are alive: only for a process that carries no data, or not yet, and after large work.
 */
export function collectAll(): void {
  collect ??= exposed();
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** There without a flag of the process: contexts that are made after the flag was set have it. */
function exposed(): Collect {
  setFlagsFromString("--expose-gc");
  try {
    return runInNewContext("gc") as Collect; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what V8 calls so
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
