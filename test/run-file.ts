import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { killTree } from "./kill-tree.ts";
import { type FileCounts, LEFT_FILE, leftCounts, TITLE } from "./run-counts.ts";

const REPORTER = fileURLToPath(new URL("reporter.ts", import.meta.url));
/** For each test of a file. */
const TEST_TIMEOUT_MS = 120_000;
/**
 * For a file, on however slow a machine; the longest takes a minute. Node's own runner has no such
 * limit: what keeps a process of tests from its end would keep the whole run.
 */
const FILE_TIMEOUT_MS = 900_000;

export interface FilePlace {
  /** Tests run there. */
  readonly root: string;
  /** For files that this run needs; `name` is of this file alone. */
  readonly folder: string;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Default: 15 minutes. */
  readonly timeoutMs?: number;
}

/** What a file of tests wrote, and what came of it. */
export interface FileRun {
  readonly output: string;
  readonly ok: boolean;
  readonly counts: FileCounts;
}

/** Runs a file of tests in a process of its own. What is written of it is of `title`. */
export function runFile(file: string, title: string, place: FilePlace): Promise<FileRun> {
  return run([file], title, place);
}

/**
 * Runs files of tests one after the other in one process, which starts once for all of them; what
 * is written of them is of `title`.
 */
export function runFiles(files: readonly string[], title: string, place: FilePlace): Promise<FileRun> {
  return run(["--test", "--test-isolation=none", ...files], title, place);
}

/**
 * What the process writes goes to a file, since the other end of a pipe may be held open by a
 * process that it left behind.
 */
async function run(
  args: readonly string[],
  title: string,
  { root, folder, name, env, timeoutMs = FILE_TIMEOUT_MS }: FilePlace,
): Promise<FileRun> {
  const [wrote, left] = [`${folder}/${name}.txt`, `${folder}/${name}.json`];
  const out = openSync(wrote, "w");
  const options = [`--test-timeout=${TEST_TIMEOUT_MS}`, `--test-reporter=${REPORTER}`];
  const child = spawn(process.execPath, [...options, ...args], {
    cwd: root,
    stdio: ["ignore", out, out],
    env: { ...process.env, ...env, [LEFT_FILE]: left, [TITLE]: title },
  });
  closeSync(out);
  const ending = await endOf(child, timeoutMs);
  const counts = leftCounts(left);
  const ok = ending === undefined && counts?.failed.length === 0;
  const output = readFileSync(wrote, "utf8");
  const isTold = counts !== undefined && counts.failed.length > 0;
  if (ok || (isTold && child.exitCode === 1)) return { output, ok, counts };
  const line = [`✖ ${title}: ${ending ?? "it left no counts"}`, ...(counts?.told ?? [])].join("\n");
  const none = counts ?? { tests: 0, passed: 0, failed: [], skipped: [], told: [] };
  return { output: `${output}\n${line}\n`, ok, counts: { ...none, failed: [...none.failed, line] } };
}

const RUNNING = new Set<ChildProcess>();

/** Kills all that {@link runFile} has running. */
export function killAll(): void {
  for (const { pid } of RUNNING) if (pid !== undefined) killTree(pid);
}

/** Undefined: it exited with code 0. */
async function endOf(child: ChildProcess, timeoutMs: number): Promise<string | undefined> {
  let late: string | undefined;
  const timer = setTimeout(() => {
    late = killTree(child.pid ?? 0);
  }, timeoutMs);
  RUNNING.add(child);
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  RUNNING.delete(child);
  clearTimeout(timer);
  if (late !== undefined) return `killed, because it did not end within ${timeoutMs / 1_000} s:\n${late}`;
  if (code === 0) return undefined;
  return signal === null ? `exit code ${code}` : `ended by ${signal}`;
}
