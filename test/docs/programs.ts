import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const RUNNER = fileURLToPath(new URL("run-programs.ts", import.meta.url));
/** Of all of them: each takes a second or two. */
const TIMEOUT_MS = 100_000;

/** What a program printed, call by call. */
export interface RanProgram {
  readonly out: readonly string[];
  /** Also what it failed by. */
  readonly err: readonly string[];
}

/** What a program says that it prints: the comments behind `//=>`, line by line. */
export function printsOf(text: string): string[] {
  return [...text.matchAll(/ \/\/=> (?<out>.*)$/gmu)].map((match) => match.groups?.["out"] ?? "");
}

/**
 * Runs programs one after the other in a process of their own. Rejects when they do not end, or
 * write to a stream by themselves.
 */
export async function runPrograms(files: readonly string[]): Promise<readonly RanProgram[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [RUNNER, ...files], { timeout: TIMEOUT_MS });
  if (stderr !== "") throw new Error(stderr);
  return JSON.parse(stdout) as RanProgram[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as run-programs.ts writes it
}
