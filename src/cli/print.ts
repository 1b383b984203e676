import { stringify } from "yaml";
import { formatProblem, type Problem } from "../core/problem.ts";
import type { Args, Io, OptionSpec } from "./command.ts";

/** `-o`, the same for every command that prints results. */
export const OUTPUT_OPTION: OptionSpec = {
  short: "o",
  choices: ["table", "json", "yaml"],
  default: "table",
  help: "How results are printed.",
};

/** Prints a result as `-o` asks: as JSON or YAML, or as `table` makes it for people. */
export function print(result: unknown, args: Args, io: Io, table: () => string): void {
  const format = args.required("output");
  if (format === "json") io.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  else io.stdout.write(format === "yaml" ? stringify(result) : table());
}

/** How many problems there are, below one line for each; `head` begins the last one. */
export function problemsText(problems: readonly Problem[], head: string): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const lines = problemLines(problems).map((line) => `${line}\n`);
  return `${lines.join("")}${head}: ${counted(errors, "error")}, ${counted(problems.length - errors, "warning")}\n`;
}

export function problemLines(problems: readonly Problem[]): string[] {
  return problems.map((problem) => inOneLine(formatProblem(problem)));
}

export function counted(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `12,345` */
export function grouped(amount: number): string {
  return GROUPED.format(Math.round(amount));
}

/** What others wrote must not move the cursor: control characters become spaces. */
export function inOneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/gu, " ");
}

/**
 * A text as lines of at most `width` characters, broken between words; all but the first begin with
 * `indent` spaces.
 */
export function wrapped(text: string, width: number, indent: number): string[] {
  const lead = /^ */u.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = lead;
  let fresh = true;
  for (const word of inOneLine(text).trim().split(" ")) {
    if (!fresh && line.length + 1 + word.length > width) {
      lines.push(line);
      line = " ".repeat(indent);
      fresh = true;
    }
    line += fresh ? word : ` ${word}`;
    fresh = false;
  }
  return [...lines, line];
}
