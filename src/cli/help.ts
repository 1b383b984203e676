import type { Command, OptionSpec } from "./command.ts";

/** What `signalbox help` prints. */
export function overview(commands: readonly Command[], version: string): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `signalbox ${version}: routes OTLP traces, metrics and logs by rules

Usage: signalbox <command> [options]

Commands:
${columns([...rows, ["help", "Show help for a command: signalbox help run"]])}
Start with: signalbox demo
`;
}

/** What `signalbox help <command>` prints. */
export function commandHelp(command: Command): string {
  const usage = command.usage.map((line) => `  signalbox ${line}`).join("\n");
  const options = Object.entries(command.options).map(
    ([name, spec]) => [optionTitle(name, spec), optionText(spec)] as const,
  );
  const details = command.details === "" ? "" : `\n${command.details.trimEnd()}\n`;
  return `${command.summary}

Usage:
${usage}

Options:
${columns([...options, ["-h, --help", "Show this help."]])}${details}`;
}

function optionTitle(name: string, { short, type, value }: OptionSpec): string {
  const long = type === "boolean" ? `--${name}` : `--${name} <${value ?? "value"}>`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
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
