import { type Command, type CommandGroup, type ExitCode, isGroup, type OptionSpec } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { CLI_ERROR_CODES } from "../../src/cli/error-output.ts";
import { optionTitle } from "../../src/cli/main.ts";

/** docs/reference/cli.md, from the table of commands. */
export function cliReference(): string {
  const codes = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return `# Command line

Generated from the commands. From a checkout: \`npm run -s signalbox -- <command>\`; installed: \`npx signalbox <command>\`.
Results go to stdout, everything else to stderr. \`signalbox help <command>\` prints the same as this page.

${COMMANDS.map((command) => `- [${command.name}](#${command.name.replaceAll(" ", "-")}): ${inText(command.summary)}\n`).join("")}
${COMMANDS.flatMap((command) => (isGroup(command) ? sectionsOf(command) : [sectionOf(command)])).join("\n")}
## Exit codes

| code | meaning |
| --- | --- |
${codes.join("\n")}

With \`-o json\` or \`-o yaml\`, stdout has one document in any case: the result, or \`error\` of what there is none of. stderr says the same for people.

\`\`\`json
{ "error": { "code": "STORE_UNREACHABLE", "detail": "...", "hint": "...", "exit_code": 7 } }
\`\`\`

\`code\` is one of ${CLI_ERROR_CODES.map((code) => `\`${code}\``).join(", ")}. An answer of the
admin API that is no success has its \`status\` as well; a config that cannot be used has its \`problems\`. What \`doctor\`,
\`validate\` and \`test\` found is their result, whatever they exit with; \`fleet\` has \`error\` beside what it says.
`;
}

const EXIT_MEANINGS = {
  0: "It worked.",
  1: "It failed; stderr tells why.",
  2: "The command line is wrong.",
  3: "The config has problems.",
  4: "Tests of a config failed.",
  5: "There is no such file or thing.",
  6: "Somebody else changed it in the meantime, it is there already, or items would have no way any more.",
  7: "The other side cannot be reached.",
} as const satisfies Record<ExitCode, string>;

/** A group, and each of its commands below it. */
function sectionsOf(group: CommandGroup): string[] {
  const links = group.commands.map(
    ({ name, summary }) => `- [${name}](#${name.replace(" ", "-")}): ${inText(summary)}\n`,
  );
  const own = `## ${group.name}\n\n${inText(group.summary)}\n\n${links.join("")}${detailsOf(group)}`;
  return [own, ...group.commands.map((command) => `#${sectionOf(command)}`)];
}

function sectionOf(command: Command): string {
  const usage = command.usage.map((line) => `signalbox ${line}`).join("\n");
  const options = Object.entries(command.options).map(([name, spec]) => rowOf(name, spec));
  const table =
    options.length === 0 ? "" : `\n| option | default | meaning |\n| --- | --- | --- |\n${options.join("\n")}\n`;
  return `## ${command.name}

${inText(command.summary)}

\`\`\`text
${usage}
\`\`\`
${detailsOf(command)}${table}`;
}

/** Paragraphs stay paragraphs; what is indented (examples) stays as it is. */
function detailsOf({ details }: Command | CommandGroup): string {
  if (details === "") return "";
  const parts = details
    .trimEnd()
    .split("\n\n")
    .map((part) => (part.startsWith("  ") ? `\`\`\`text\n${part.replaceAll(/^ {2}/gmu, "")}\n\`\`\`` : inText(part)));
  return `\n${parts.join("\n\n")}\n`;
}

function rowOf(name: string, spec: OptionSpec): string {
  const meaning = spec.multiple === true ? `${spec.help} May be given again.` : spec.help;
  const shown = spec.default === undefined ? "" : `\`${spec.default}\``;
  return `| \`${inCell(optionTitle(name, spec))}\` | ${inCell(shown)} | ${inCell(inText(meaning))} |`;
}

function inText(text: string): string {
  return text.replaceAll("<", String.raw`\<`);
}

function inCell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}
