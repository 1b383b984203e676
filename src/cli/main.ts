import { reasonOf, RouterError } from "../core/errors.ts";
import { Unreachable } from "../core/unreachable.ts";
import { VERSION } from "../core/version.ts";
import { parseCommandLine, usage } from "./args.ts";
import { type Command, type CommandGroup, EXIT, type ExitCode, type Io, isGroup, type OptionSpec } from "./command.ts";
import { commandNamed, COMMANDS, findCommand, partsOf } from "./commands.ts";
import { formatIn, printError, tellError } from "./error-output.ts";
import { OUTPUT_OPTION } from "./print.ts";
import { leave, processIo } from "./process.ts";
import { RefusedConfig } from "./validate.ts";

/** The process `signalbox`: runs a command line, and exits with its code whatever it left open. */
export async function runProcess(): Promise<void> {
  const io = processIo();
  const code = await main(process.argv.slice(2), io);
  await io.flush();
  await leave(code);
}

/** Runs one command line. Never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch(argv, io);
  } catch (cause) {
    return tell(cause, argv, io);
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<ExitCode> {
  const [name = "help", ...rest] = argv;
  if (name === "--version" || name === "-v") return dispatch(["version", ...rest], io);
  if (name === "help" || name === "--help" || name === "-h") {
    io.stdout.write(rest[0] === undefined ? overview(COMMANDS, VERSION) : helpOf(findCommand(rest).command));
    return EXIT.ok;
  }
  const { command, rest: options } = findCommand(argv);
  if (isGroup(command)) {
    if (!options.includes("--help") && !options.includes("-h")) {
      throw usage(`${command.name} needs a command`, `one of ${partsOf(command).join(", ")}`);
    }
    io.stdout.write(helpOf(command));
    return EXIT.ok;
  }
  const args = parseCommandLine(command, options);
  if (args !== "help") return command.run(args, io);
  io.stdout.write(helpOf(command));
  return EXIT.ok;
}

/**
 * What went wrong, in words, and the exit code that says so. A fault without a name is one of ours:
 * its stack is shown.
 */
function tell(cause: unknown, argv: readonly string[], io: Io): ExitCode {
  const format = takesFormat(argv) ? formatIn(argv) : undefined;
  if (!(cause instanceof RouterError)) {
    io.stderr.write(`signalbox: ${cause instanceof Error ? (cause.stack ?? cause.message) : reasonOf(cause)}\n`);
    printError({ code: "INTERNAL", detail: reasonOf(cause), exit_code: EXIT.failure }, format, io);
    return EXIT.failure;
  }
  const { code, message: detail, hint } = cause;
  const problems = cause instanceof RefusedConfig ? cause.problems : undefined;
  const exitCode = tellError({ code, detail, hint, problems, exit_code: exitCodeOf(cause) }, format, io);
  if (code === "USAGE") io.stderr.write(`  signalbox ${helpFor(argv)} tells more\n`);
  return exitCode;
}

/** Whether the command prints results as `-o` says; one that is not named rightly may be any. */
function takesFormat(argv: readonly string[]): boolean {
  const command = commandNamed(argv);
  return command === undefined || isGroup(command) || command.options["output"] === OUTPUT_OPTION;
}

/** The nearest help to a command line: that of its command, as far as it names one. */
function helpFor(argv: readonly string[]): string {
  const command = commandNamed(argv);
  return command === undefined ? "help" : `help ${command.name}`;
}

function exitCodeOf(error: RouterError): ExitCode {
  switch (error.code) {
    case "USAGE":
      return EXIT.usage;
    case "CONFIG_INVALID":
      return EXIT.invalidConfig;
    case "CONFIG_UNREADABLE":
      return EXIT.notFound;
    case "TARGET_UNREACHABLE":
    case "STORE_UNREACHABLE":
      return EXIT.unreachable;
    case "NOT_OWNER":
      return EXIT.conflict;
    case "LISTEN_FAILED":
    case "TLS_INVALID":
    case "SHUTDOWN":
    case "INTERRUPTED":
    case "INTERNAL":
    case "STORE_UNKNOWN":
    case "STORE_REFUSED":
    case "SESSION_LOST":
    case "TIMED_OUT":
      return EXIT.failure;
    default:
      throw new Unreachable(error.code);
  }
}

/** What `signalbox help` prints. */
function overview(commands: readonly (Command | CommandGroup)[], version: string): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `signalbox ${version}: routes OTLP traces, metrics and logs by rules

Usage: signalbox <command> [options]

Commands:
${columns([...rows, ["help", "Show help for a command: signalbox help run"]])}
Start with: signalbox demo
`;
}

/** What `signalbox help <command>` prints. */
function helpOf(command: Command | CommandGroup): string {
  return isGroup(command) ? groupHelp(command) : commandHelp(command);
}

function groupHelp({ name, summary, details, commands }: CommandGroup): string {
  return `${summary}

Usage: signalbox ${name} <command> [options]

Commands:
${columns(commands.map((command) => [command.name, command.summary] as const))}${detailsText(details)}
signalbox help ${name} <command> tells more.
`;
}

function commandHelp(command: Command): string {
  const forms = command.usage.map((line) => `  signalbox ${line}`).join("\n");
  const options = Object.entries(command.options).map(
    ([name, spec]) =>
      [`${spec.short === undefined ? "    " : ""}${optionTitle(name, spec)}`, optionText(spec)] as const,
  );
  return `${command.summary}

Usage:
${forms}

Options:
${columns([...options, ["-h, --help", "Show this help."]])}${detailsText(command.details)}`;
}

function detailsText(details: string): string {
  return details === "" ? "" : `\n${details.trimEnd()}\n`;
}

/** `-o, --output <table|json|yaml>` */
export function optionTitle(name: string, { short, flag, value, choices }: OptionSpec): string {
  const long = flag === true ? `--${name}` : `--${name} <${choices?.join("|") ?? value ?? "value"}>`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function optionText(spec: OptionSpec): string {
  const more = [
    spec.multiple === true ? "may be given again" : "",
    spec.default === undefined ? "" : `default: ${spec.default}`,
  ];
  const notes = more.filter((note) => note !== "").join("; ");
  return notes === "" ? spec.help : `${spec.help} (${notes})`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}
