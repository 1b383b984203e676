import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { formatProblem } from "../core/problem.ts";
import { createLog, type RootLog } from "../telemetry/log.ts";
import { boundGrowth, collectAll, collectGrown, type Rest } from "../core/collect.ts";
import { optimise } from "../core/optimise.ts";
import { fileSource, readSource } from "../server/config-source.ts";
import { type ProcessEvents, ProcessSignals, runNode } from "../server/run.ts";
import type { RunningNode } from "../server/running-node.ts";
import { startNode } from "../server/start.ts";
import { DEFAULT_WORKERS, workerCount } from "../server/worker-count.ts";
import { EarlyWorkers } from "../server/workers/early-workers.ts";
import { onlyOne, usage } from "./args.ts";
import type { Args, Command, ExitCode, Io } from "./command.ts";
import { leave } from "./process.ts";
import { refuse } from "./validate.ts";

const DEFAULT_FILE = "signalbox.yaml";

export const command: Command = {
  name: "run",
  summary: "Run a node: receive, route and deliver until it is stopped.",
  usage: ["run [file]", "run --config <file>"],
  details: `The config is the given file, else $SIGNALBOX_CONFIG, else ./${DEFAULT_FILE}. It is watched: changes are applied while
data flows; a file with problems changes nothing. SIGHUP reads it again. SIGTERM and SIGINT stop accepting, drain the queues
for at most node.shutdown_grace, and exit with 0; a second one exits at once with 1. The log goes to stderr.`,
  options: { config: { short: "c", value: "file", help: "The config file." } },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  // Whoever starts a node and tells it at once to read its config must not end it.
  using hangups = new DisposableStack();
  PROCESS.on("SIGHUP", ignore);
  hangups.defer(() => PROCESS.off("SIGHUP", ignore));
  optimise(false);
  const started = await start(findConfig(args, io), io);
  optimise(true);
  if (typeof started === "number") return started;
  using signals = started.signals;
  await using node = started.node;
  collectAll(); // what starting took
  return await runNode(node, signals); // awaited here: the node is closed when this function is left
}

interface Started {
  readonly node: RunningNode;
  readonly signals: ProcessSignals;
}

/** Apart from `run`, which lives as long as the node, and would keep the config alive as long. */
async function start(file: string, io: Io): Promise<Started | ExitCode> {
  const source = fileSource(file, io.env);
  using early = new EarlyWorkers(source.text, { env: io.env, unsaid: DEFAULT_WORKERS });
  const { config, problems } = await readSource(source, io.clock);
  if (config === undefined) return refuse(problems, io, `${source.file} has problems, so nothing was started`);
  const log = openLog(io);
  log.level = config.node.log.level;
  log.format = config.node.log.format;
  for (const problem of problems) log.warn("config warning", { problem: formatProblem(problem) });
  const { shutdown_grace: graceMs } = config.node;
  using started = new DisposableStack();
  const signals = started.use(new ProcessSignals(PROCESS, { log, clock: io.clock, graceMs }));
  // Where this process carries data itself, nothing may hold it up.
  const carriesData = workerCount(config.node, DEFAULT_WORKERS) === 0;
  boundGrowth(carriesData ? CARRYING_GROWTH_BYTES : GROWTH_BYTES);
  const settled = { settled: (rest: Rest) => collectGrown(!carriesData, rest), unhurried: !carriesData };
  const { clock, random } = io;
  const node = await startNode(config, { clock, random, log, source, workers: DEFAULT_WORKERS, early, ...settled });
  started.move();
  return { node, signals };
}

/**
 * So far the heap of a process that carries no data grows until V8 collects all of it. It is
 * collected at half of that while nothing is done, and V8 begins to mark at some two thirds: each
 * change of 10,000 rules, of which one leaves 2 to 4 MB behind, has room. More is memory that is
 * kept.
 */
const GROWTH_BYTES = 16 * 1_024 * 1_024;
/** The same of one that does: as much as the heap of a few rules, of 28 MB, may grow by. */
const CARRYING_GROWTH_BYTES = 56 * 1_024 * 1_024;

const PROCESS: ProcessEvents = {
  on: (event, listener) => process.on(event, listener),
  off: (event, listener) => process.off(event, listener),
  exit: (code) => void leave(code, { patienceMs: 200 }),
};

function ignore(): void {}

/** A log on stderr; its level and format are the config's to say. */
function openLog({ stderr, clock, env }: Io): RootLog {
  const colour = stderr.isTty && (env["NO_COLOR"] ?? "") === "";
  return createLog({ clock, write: (line) => stderr.write(line), level: "info", format: "text", colour });
}

function findConfig(args: Args, { env, cwd }: Io): string {
  if (args.positionals.length > 1) throw usage("run takes one config file");
  onlyOne(args, "config");
  if (args.positionals.length > 0 && args.text("config") !== undefined) {
    throw usage("a file and --config exclude each other", "name the config once");
  }
  const named = args.text("config") ?? args.positionals[0] ?? env["SIGNALBOX_CONFIG"];
  if (named !== undefined && named !== "") return resolve(cwd, named);
  const usual = resolve(cwd, DEFAULT_FILE);
  if (existsSync(usual)) return usual;
  throw usage(`no config: there is no ${DEFAULT_FILE} here, and none was named`, HINT);
}

const HINT = `The smallest one sends everything that arrives to one target:

  targets:
    - id: tempo
      endpoint: http://127.0.0.1:14317

Save it as ${DEFAULT_FILE}, or look around first, without a config: signalbox demo`;
