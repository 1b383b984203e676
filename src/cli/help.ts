import { type Command, type CommandGroup, isGroup, type OptionSpec } from "./command.ts";

/** What `signalbox help` prints. */
export function overview(commands: readonly (Command | CommandGroup)[], version: string): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `signalbox ${version}: routes OTLP traces, metrics and logs by rules

Usage: signalbox <command> [options]

Commands:
${columns([...rows, ["help", "Show help for a command: signalbox help run"]])}
Start with: signalbox demo
`;
}

/** What `signalbox help <command>` prints. */
export function helpOf(command: Command | CommandGroup): string {
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
  const usage = command.usage.map((line) => `  signalbox ${line}`).join("\n");
  const options = Object.entries(command.options).map(
    ([name, spec]) =>
      [`${spec.short === undefined ? "    " : ""}${optionTitle(name, spec)}`, optionText(spec)] as const,
  );
  return `${command.summary}

Usage:
${usage}

Options:
${columns([...options, ["-h, --help", "Show this help."]])}${detailsText(command.details)}`;
}

function detailsText(details: string): string {
  return details === "" ? "" : `\n${details.trimEnd()}\n`;
}

/** `-o, --output <table|json|yaml>` */
export function optionTitle(name: string, { short, type, value, choices }: OptionSpec): string {
  const long = type === "boolean" ? `--${name}` : `--${name} <${choices?.join("|") ?? value ?? "value"}>`;
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
