/**
 * Runs programs one after the other in one process, which loads what they import once, and writes
 * as JSON what each printed: `node test/docs/run-programs.ts file...`. It ends when all that they
 * opened is closed.
 */
import { writeSync } from "node:fs";
import { format, inspect } from "node:util";
import type { RanProgram } from "./programs.ts";

const ran: RanProgram[] = [];
for (const file of process.argv.slice(2)) {
  const [out, err]: [string[], string[]] = [[], []];
  console.log = (...args: readonly unknown[]) => void out.push(format(...args));
  console.error = (...args: readonly unknown[]) => void err.push(format(...args));
  try {
    await import(file);
  } catch (error) {
    err.push(inspect(error));
  }
  ran.push({ out, err });
}
process.on("exit", () => void writeSync(1, JSON.stringify(ran)));
