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
    beginnings: [
      "test/contract/data-plane",
      "test/scenario/health-node",
      "test/scenario/shutdown",
      "test/scenario/unrouted",
    ],
  },
  {
    workers: 2,
    beginnings: [
      "test/contract/data-plane",
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
 * Beginnings of the paths of tests that have no process, server, port or file in common, and do not
 * look at their process: those of each list share one, which loads what they import once.
 */
const SHARING: Readonly<Record<string, readonly string[]>> = {
  "test/admin": ["test/admin/"],
  "test/cli": ["test/cli/"],
  "test/config": ["test/config/"],
  "test/degradation": ["test/degradation/"],
  "test/delivery": ["test/delivery/"],
  "test/docs": ["test/docs/"],
  "test/fleet (in process)": [
    "test/fleet/compatibility",
    "test/fleet/controllers.test",
    "test/fleet/limits.test",
    "test/fleet/link",
    "test/fleet/region-service",
    "test/fleet/rollout",
    "test/fleet/sampling",
    "test/fleet/stand-for",
    "test/fleet/store-writes",
    "test/fleet/topology",
    "test/fleet/transfer",
  ],
  "test/http1": ["test/http1/"],
  "test/http2": ["test/http2/core/"],
  "test/library and others": [
    "test/library/",
    "test/limits/node",
    "test/secrets/p",
    "test/secrets/words",
    "test/send/",
  ],
  "test/otlp": ["test/otlp/"],
  "test/receive": ["test/receive/"],
  "test/route": ["test/route/"],
  "test/sampling": ["test/sampling/"],
  "test/scenario (short ones)": [
    "test/scenario/grpc-js",
    "test/scenario/health",
    "test/scenario/sender-headers",
    "test/scenario/storm",
    "test/scenario/transport",
    "test/scenario/unrouted",
  ],
  "test/server (in process)": [
    "test/server/admin",
    "test/server/certificates",
    "test/server/config-walk",
    "test/server/events",
    "test/server/run.test",
  ],
  "test/workers (short ones)": [
    "test/workers/affinity",
    "test/workers/checks",
    "test/workers/connections",
    "test/workers/failover",
    "test/workers/health",
    "test/workers/panics",
    "test/workers/skew",
    "test/workers/stderr",
    "test/workers/trust",
    "test/workers/waiting",
    "test/workers/walk",
  ],
};
const ALONE = ["test/admin/busy", "test/delivery/held-", "test/docs/package", "test/otlp/limits"];
/** Those that take longest, so that none of them is left alone at the end. */
const FIRST = [
  "src/control",
  "test/store/etcd/rounds",
  "test/fuzz/ceiling",
  "test/balance/faults",
  "test/workers/deaths",
  "test/workers (short ones)",
  "test/admin",
  "test/delivery",
  "test/fleet/nodes-outage",
  "test/demo/",
  "test/docs/package",
  "src/data",
];
/**
 * Those that wait most of their time, for leases to end and servers to start, in the order in which
 * they are begun: fleets of processes not beside what is begun first.
 */
const WAITING = [
  "test/run-file",
  "test/store/consul/",
  "test/store/embedded/",
  "test/fleet/nodes-leaders",
  "test/fleet/rights",
  "test/store/etcd/",
  "test/transport/tunnel",
];
/**
 * The machines that run this have two cores, and tests with real sockets get slow when they share
 * one; but a third of the time a file waits. Beside them there is one of those that wait most.
 */
const LANES = [{ takes: "any" }, { takes: "any" }, { takes: "any" }, { takes: "waiting" }] as const;

interface Run {
  readonly transport: GrpcTransport;
  readonly workers: number;
  readonly files: readonly string[];
}

/** What one process of tests runs. */
interface Job {
  readonly run: Run;
  readonly title: string;
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

const startsWithOne = (text: string, beginnings: readonly string[]): boolean =>
  beginnings.some((beginning) => text.startsWith(beginning));

/** Tests beside the code share a process for each room, which saves half of the time they take. */
function processOf(file: string): string {
  const room = /^src\/[^/]+/u.exec(file)?.[0];
  if (room !== undefined || startsWithOne(file, ALONE)) return room ?? file;
  const shared = Object.entries(SHARING).find(([, beginnings]) => startsWithOne(file, beginnings));
  return shared?.[0] ?? file;
}

function jobsOf(run: Run): Job[] {
  const processes = Map.groupBy(run.files, processOf);
  return Array.from(processes, ([title, files]) => ({ run, title, files }));
}

/** As in a list of beginnings, and the others afterwards. */
function inOrder(jobs: readonly Job[], order: readonly string[]): Job[] {
  const place = ({ title }: Job): number => {
    const at = order.findIndex((beginning) => title.startsWith(beginning));
    return at < 0 ? order.length : at;
  };
  return jobs.toSorted((a, b) => place(a) - place(b));
}

function nameOf({ transport, workers }: Run): string {
  return workers === 0 ? `transport ${transport}` : `transport ${transport}, workers ${workers}`;
}

async function runJob({ run, title, files }: Job, folder: string): Promise<FileRun> {
  const { transport, workers } = run;
  const env = {
    TEST_GRPC_TRANSPORT: transport,
    TEST_HTTP_TRANSPORT: ASKED_HTTP_TRANSPORT ?? transport,
    SIGNALBOX_TEST_WORKERS: String(workers),
    SIGNALBOX_ARENA_DEBUG: "1",
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? join(folder, "compiled"),
    [NODES_FILE]: nodesFileOf(run, folder),
  };
  const place = { root: ROOT, folder, name: `${transport}-${workers}-${title.replaceAll(/[^\w.]/gu, "-")}`, env };
  const told = `${title}, ${nameOf(run)}`;
  const [only] = files.length === 1 ? files : [];
  const ran = await (only === undefined ? runFiles(files, told, place) : runFile(only, told, place));
  process.stdout.write(ran.output);
  return ran;
}

function nodesFileOf({ transport, workers }: Run, folder: string): string {
  return join(folder, `${transport}-${workers}.nodes`);
}

/** Those of all runs beside and after each other, so that none is alone at the end of a run. */
async function runJobs(jobs: readonly Job[], folder: string): Promise<Map<Run, FileRun[]>> {
  const isWaiting = ({ title }: Job): boolean => startsWithOne(title, WAITING) && !startsWithOne(title, FIRST);
  const any = inOrder(jobs, FIRST).filter((job) => !isWaiting(job));
  const left = { any, waiting: inOrder(jobs.filter(isWaiting), WAITING) };
  const done = new Map<Run, FileRun[]>();
  const lane = async (takes: keyof typeof left): Promise<void> => {
    for (;;) {
      const job = left[takes].shift() ?? left.waiting.shift();
      if (job === undefined) return;
      const ran = await runJob(job, folder);
      done.set(job.run, [...(done.get(job.run) ?? []), ran]);
    }
  };
  await Promise.all(LANES.map(({ takes }) => lane(takes)));
  return done;
}

async function runAll(runs: readonly Run[]): Promise<void> {
  const files = runs.flatMap((run) => run.files);
  await setUp(files);
  const folder = mkdtempSync(join(tmpdir(), "signalbox-tests-"));
  const counts: RunCounts[] = [];
  try {
    const done = await runJobs(runs.flatMap(jobsOf), folder);
    for (const run of runs) {
      const its = done.get(run) ?? [];
      const sum = sumOf(its.map((ran) => ran.counts));
      const nodes = readNodes(nodesFileOf(run, folder));
      counts.push({ name: nameOf(run), files: run.files.length, ok: its.every(({ ok }) => ok), ...sum, nodes });
      const lines = endingLines(sum);
      if (lines.length > 0) process.stdout.write(`\n${nameOf(run)}\n${lines.join("\n")}\n`);
    }
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
