import { hintFor } from "../config/closest.ts";
import { configJsonSchema } from "../config/json-schema.ts";
import { VERSION } from "../core/version.ts";
import { usage } from "./args.ts";
import { type Command, type CommandGroup, EXIT, isGroup } from "./command.ts";
import { group as config } from "./config.ts";
import { doctor } from "./coordination/doctor.ts";
import { group as fleet } from "./coordination/fleet.ts";
import { leader, locks } from "./coordination/seats.ts";
import { leaderTransfer } from "./coordination/transfer.ts";
import { group as degrade } from "./degrade/command.ts";
import { command as demo } from "./demo/command.ts";
import { command as explain } from "./explain/command.ts";
import { group as pools } from "./pools.ts";
import { limitsSet } from "./limits/set.ts";
import { limits, limitsExplain } from "./limits/show.ts";
import { load } from "./load.ts";
import { OUTPUT_OPTION, print } from "./print.ts";
import { group as regions } from "./regions.ts";
import { group as rules } from "./rules.ts";
import { command as run } from "./run.ts";
import { group as sampling } from "./sampling.ts";
import { command as send } from "./send/command.ts";
import { group as targets } from "./targets.ts";
import { command as test } from "./test/command.ts";
import { testsJsonSchema } from "./test/schema.ts";
import { members, topology, topologyBest } from "./topology.ts";
import { command as validate } from "./validate.ts";

const schema: Command = {
  name: "schema",
  summary: "Print the JSON Schema of the config, for editors and checks.",
  usage: ["schema > signalbox.schema.json", "schema --tests > tests.schema.json"],
  details: "In an editor with the YAML language server: # yaml-language-server: $schema=signalbox.schema.json",
  options: { tests: { flag: true, help: "The schema of test files (signalbox test) instead." } },
  async run(args, io) {
    const found = args.flag("tests") ? testsJsonSchema() : configJsonSchema();
    io.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
    return EXIT.ok;
  },
};

const version: Command = {
  name: "version",
  summary: "Show the version.",
  usage: ["version [-o json]"],
  details: "",
  options: { output: OUTPUT_OPTION },
  async run(args, io) {
    const { node } = process.versions;
    print({ signalbox: VERSION, node }, args, io, () => `signalbox ${VERSION} (Node.js ${node})\n`);
    return EXIT.ok;
  },
};

/** All commands and groups of commands, in the order of the help. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  demo,
  run,
  send,
  validate,
  explain,
  test,
  targets,
  pools,
  rules,
  regions,
  config,
  topology,
  topologyBest,
  members,
  load,
  limits,
  limitsSet,
  limitsExplain,
  degrade,
  sampling,
  locks,
  leader,
  leaderTransfer,
  fleet,
  doctor,
  schema,
  version,
];

/** What the first words of a command line name, and what follows them. */
export interface Found {
  readonly command: Command | CommandGroup;
  readonly rest: readonly string[];
}

/**
 * Finds a command, or a group when no command of it is named. Fails with USAGE, and what was
 * probably meant.
 */
export function findCommand(words: readonly string[]): Found {
  const [name = "help", part] = words;
  const command = commandNamed(words);
  if (command === undefined) throw unknown("command", name, [...COMMANDS.map((known) => known.name), "help"]);
  if (command.name !== name) return { command, rest: words.slice(2) };
  if (isGroup(command) && part !== undefined && !part.startsWith("-")) {
    throw unknown(`${name} command`, part, partsOf(command));
  }
  return { command, rest: words.slice(1) };
}

/**
 * The command that the first words name, in a group or not (`leader transfer`); else what the first
 * of them names.
 */
export function commandNamed([first = "", second = ""]: readonly string[]): Command | CommandGroup | undefined {
  const known = COMMANDS.find(({ name }) => name === first);
  const all = known !== undefined && isGroup(known) ? known.commands : COMMANDS;
  return all.find(({ name }) => name === `${first} ${second}`) ?? known;
}

/** The last words of the names of a group's commands. */
export function partsOf({ name, commands }: CommandGroup): string[] {
  return commands.map((command) => command.name.slice(name.length + 1));
}

function unknown(kind: string, name: string, names: readonly string[]): Error {
  if (name.startsWith("-")) return usage(`unknown option ${name}`);
  return usage(`unknown ${kind} ${name}`, hintFor(name, names, "commands"));
}
