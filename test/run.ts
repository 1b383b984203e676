/**
 * Runs the tests: `node test/run.ts [pattern...]`. A pattern is a part of a file's path; without one, all of them run.
 * Exit code 1 when a test failed or none ran.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PLACES = ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"];
/** The machines that run this have few cores, and tests with real sockets get slow when they share one. */
const CONCURRENCY = 2;
/** For a file, and for each test in it. */
const TIMEOUT_MS = 120_000;

const patterns = process.argv.slice(2);
const files = globSync(PLACES, { cwd: ROOT })
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .toSorted();

if (files.length === 0) {
  process.stderr.write(`no test file has ${patterns.join(" or ")} in its path\n`);
  process.exitCode = 1;
} else {
  const options = [`--test-concurrency=${CONCURRENCY}`, `--test-timeout=${TIMEOUT_MS}`];
  const reporter = fileURLToPath(new URL("reporter.ts", import.meta.url));
  const child = spawn(process.execPath, ["--test", ...options, `--test-reporter=${reporter}`, ...files], {
    cwd: ROOT,
    stdio: "inherit",
  });
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}
