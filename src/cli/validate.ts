import { dirname, resolve } from "node:path";
import { reasonOf, RouterError } from "../core/errors.ts";
import type { Config } from "../config/schema/config.ts";
import type { Problem } from "../core/problem.ts";
import { fileSource, textSource } from "../server/config-source.ts";
import { memoryProblem } from "../server/memory-need.ts";
import type { ConfigSource } from "../server/config-source.ts";
import { DEFAULT_WORKERS, workerCount } from "../server/worker-count.ts";
import { usage } from "./args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "./command.ts";
import { counted, OUTPUT_OPTION, print, problemLines, problemsText } from "./print.ts";

export const command: Command = {
  name: "validate",
  summary: "Check config files, and tell all that is wrong with them.",
  usage: ["validate <file...>", "validate - < file"],
  details: `Prints each problem as file:line:column: severity: path: message (hint), and how many there are. Exits with 3 when a
config cannot be used, with 5 when a file cannot be read. The environment variables that a config names must be set.`,
  options: {
    output: OUTPUT_OPTION,
    strict: { flag: true, help: "Warnings count like errors." },
  },
  run,
};

interface CheckedFile {
  readonly readable: boolean;
  readonly problems: readonly Problem[];
}

async function run(args: Args, io: Io): Promise<ExitCode> {
  if (args.positionals.length === 0) throw usage("validate needs a file, or - for standard input");
  if (args.positionals.filter((file) => file === "-").length > 1)
    throw usage("- is standard input, and can be read once");
  const checked: CheckedFile[] = [];
  for (const file of args.positionals) checked.push(await check(file, io));
  const problems = checked.flatMap((one) => one.problems);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const valid = errors === 0 && (!args.flag("strict") || problems.length === 0);
  const result = { valid, files: checked.length, errors, warnings: problems.length - errors, problems };
  print(result, args, io, () => problemsText(problems, counted(checked.length, "file")));
  if (valid) return EXIT.ok;
  return checked.every(({ readable }) => readable) ? EXIT.invalidConfig : EXIT.notFound;
}

async function check(name: string, io: Io): Promise<CheckedFile> {
  try {
    const source = name === "-" ? await standardInput(io) : openFile(name, io);
    const { config, problems } = source.load(source.text);
    const memory =
      config && memoryProblem(config.node, workerCount(config.node, DEFAULT_WORKERS), process.constrainedMemory());
    return { readable: true, problems: memory === undefined ? problems : [...problems, { ...memory, file: name }] };
  } catch (cause) {
    if (!(cause instanceof RouterError) || cause.code !== "CONFIG_UNREADABLE") throw cause;
    const message = `cannot be read: ${reasonOf(cause.cause)}`;
    return { readable: false, problems: [{ severity: "error", path: "", message, file: name }] };
  }
}

/** Problems call the file what the caller called it. */
function openFile(name: string, { cwd, env }: Io): ConfigSource {
  const path = resolve(cwd, name);
  const { text, file } = fileSource(path, env);
  return textSource(text, { name, folder: dirname(path), file }, env);
}

async function standardInput(io: Io): Promise<ConfigSource> {
  return textSource(await io.readStdin(), { name: "<stdin>", folder: io.cwd, file: undefined }, io.env);
}

/**
 * A config that can be used; its problems go to stderr. Fails with CONFIG_INVALID or
 * CONFIG_UNREADABLE.
 */
export function loadUsable(path: string, io: Io): { readonly config: Config; readonly text: string } {
  const source = fileSource(path, io.env);
  const { config, problems } = source.load(source.text);
  if (config !== undefined) return { config, text: source.text };
  return refuse(problems, io, `${path} has problems`);
}

/** Tells all problems on stderr, and fails with CONFIG_INVALID. */
export function refuse(problems: readonly Problem[], { stderr }: Io, message: string): never {
  stderr.write(`${problemLines(problems).join("\n")}\n`);
  throw new RefusedConfig(problems, message);
}

/** With all that is wrong with it. */
export class RefusedConfig extends RouterError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], message: string) {
    super("CONFIG_INVALID", message);
    this.problems = problems;
  }
}
