import type { TestOptions } from "node:test";
import { absenceOf, findProgram, type ProgramName } from "../set-up/programs.ts";

/**
 * For tests against a program, in files in the program's folder (test/set-up/programs.ts): they are
 * skipped with the reason where the program is not there. A minute is much for any of them.
 */
export function needs(program: ProgramName): TestOptions {
  return { skip: findProgram(program) === undefined ? absenceOf(program) : false, timeout: 60_000 };
}
