/**
 * Runs the tests: `node test/run.ts [pattern...]`. A pattern is a part of a file's path; without
 * one, all of them run. First, programs that the files need and that are not there are installed:
 * set-up.ts. Files that look at a transport run twice, once on our implementations of HTTP/1.1 and
 * HTTP/2 and once on node's; TEST_GRPC_TRANSPORT=own|node runs all on that one,
 * TEST_HTTP_TRANSPORT has that of HTTP/1.1 alone. Some of them run again on nodes with one and with
 * two workers; SIGNALBOX_TEST_WORKERS=0|1|2 runs all with so many, where a test's node does not
 * have to be in its own process: how many were not, and why, stands at the end. Exit code 1 when a
 * test failed or none ran.
 */
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GRPC_TRANSPORTS, type GrpcTransport } from "../src/core/grpc-transport.ts";
import { closingLines, endingLines, readNodes, type RunCounts, sumOf } from "./run-counts.ts";
import { type FileRun, killAll, runFile, runFiles } from "./run-file.ts";
import { setUp } from "./set-up.ts";
import { programsNeededBy } from "./set-up/programs.ts";
import { ASKED_HTTP_TRANSPORT, ASKED_TRANSPORT, TEST_TRANSPORT } from "./support/transport.ts";
import { ASKED_WORKERS, NODES_FILE } from "./support/workers.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PLACES = ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"];
/**
 * Beginnings of the paths of tests that go through listeners or targets with the transport of
 * test/support/transport.ts, and look at what it does. All others pass on both, too:
 * CONTRIBUTING.md has how to run them.
 */
const ON_EACH_TRANSPORT = [
  "test/delivery/grpc",
  "test/peers/curl/",
  "test/peers/grpc-js/",
  "test/peers/h2load/",
  "test/peers/nghttp/",
  "test/peers/nginx/behind",
  "test/peers/nginx/front",
  "test/peers/openssl/",
  "test/peers/sdk/",
  "test/receive/",
  "test/scenario/black-hole",
  "test/scenario/fault.test",
  "test/scenario/fault-deadline",
  "test/scenario/grpc-js",
  "test/scenario/health",
  "test/scenario/large",
  "test/scenario/sdk",
  "test/scenario/sender-headers",
  "test/scenario/shutdown",
  "test/scenario/storm",
  "test/scenario/transport",
  "test/scenario/unrouted",
];
/**
 * Beginnings of the paths of tests that run again on nodes with so many workers: those that go
 * through a whole node and are quick. All of test/scenario, test/fuzz, test/contract, bench/attack
 * and the peers pass with both, too: CONTRIBUTING.md has how to run them.
 */
const WITH_WORKERS: readonly { readonly workers: number; readonly beginnings: readonly string[] }[] = [
  {
    workers: 1,
    beginnings: ["test/contract/", "test/scenario/health-node", "test/scenario/shutdown", "test/scenario/unrouted"],
  },
  {
    workers: 2,
    beginnings: [
      "test/contract/",
      "test/scenario/health-node",
      "test/scenario/ledger.test",
      "test/scenario/plugin",
      "test/scenario/reload",
      "test/scenario/shutdown",
      "test/scenario/storm",
      "test/scenario/transport",
      "test/fuzz/json",
      "bench/attack/",
    ],
  },
];
/**
 * The machines that run this have two cores, and tests with real sockets get slow when they share
 * one; but a third of the time a file waits, for a lease to end or for a process to start.
 */
const CONCURRENCY = 3;
interface Run {
  readonly transport: GrpcTransport;
  readonly workers: number;
  readonly files: readonly string[];
}

function plan(patterns: readonly string[]): Run[] {
  const files = globSync(PLACES, { cwd: ROOT })
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .toSorted();
  const startingWith = (beginnings: readonly string[]): string[] =>
    files.filter((file) => beginnings.some((beginning) => file.startsWith(beginning)));
  const workers = ASKED_WORKERS ?? 0;
  const others = ASKED_TRANSPORT === undefined ? GRPC_TRANSPORTS.filter((other) => other !== TEST_TRANSPORT) : [];
  const again = others.map((transport) => ({ transport, workers, files: startingWith(ON_EACH_TRANSPORT) }));
  const spread = WITH_WORKERS.map((one) => {
    return { transport: TEST_TRANSPORT, workers: one.workers, files: startingWith(one.beginnings) };
  });
  const runs: Run[] = [{ transport: TEST_TRANSPORT, workers, files }, ...again];
  if (ASKED_WORKERS === undefined) runs.push(...spread);
  return runs.filter((run) => run.files.length > 0);
}

/**
 * Tests beside the code have no sockets, processes or files in common: those of a room share a
 * process, which saves half of the time that they take. All others have one each.
 */
function processesFor(files: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(files, (file) => /^src\/[^/]+/u.exec(file)?.[0] ?? file);
}

async function runTests({ transport, workers, files }: Run, folder: string): Promise<RunCounts> {
  const name = workers === 0 ? `transport ${transport}` : `transport ${transport}, workers ${workers}`;
  process.stdout.write(`\n${name}, files: ${files.length}\n`);
  const nodesFile = join(folder, `${transport}-${workers}.nodes`);
  const env = {
    TEST_GRPC_TRANSPORT: transport,
    TEST_HTTP_TRANSPORT: ASKED_HTTP_TRANSPORT ?? transport,
    SIGNALBOX_TEST_WORKERS: String(workers),
    SIGNALBOX_ARENA_DEBUG: "1",
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? join(folder, "compiled"),
    [NODES_FILE]: nodesFile,
  };
  const done: FileRun[] = [];
  const left = processesFor(files).entries();
  const lane = async (): Promise<void> => {
    for (const [title, its] of left) {
      const place = { root: ROOT, folder, name: `${transport}-${workers}-${title.replaceAll("/", "-")}`, env };
      const run = await (its.length === 1 ? runFile(its[0]!, place) : runFiles(its, title, place));
      done.push(run);
      process.stdout.write(run.output);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const counts = sumOf(done.map((run) => run.counts));
  process.stdout.write(`${endingLines(counts).join("\n")}\n`);
  return { name, files: files.length, ok: done.every(({ ok }) => ok), ...counts, nodes: readNodes(nodesFile) };
}

async function runAll(runs: readonly Run[]): Promise<void> {
  const files = runs.flatMap((run) => run.files);
  await setUp(files);
  const folder = mkdtempSync(join(tmpdir(), "signalbox-tests-"));
  const counts: RunCounts[] = [];
  try {
    for (const one of runs) counts.push(await runTests(one, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`\n${closingLines(counts, programsNeededBy(files)).join("\n")}\n`);
  if (counts.some(({ ok }) => !ok)) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killAll();
    process.exit(1);
  });
}
const patterns = process.argv.slice(2);
const runs = plan(patterns);
if (runs.length > 0) {
  await runAll(runs);
} else {
  process.stderr.write(`no test file has ${patterns.join(" or ")} in its path\n`);
  process.exitCode = 1;
}
