import { stringify } from "yaml";
import type { OptionSpec } from "./command.ts";
import { usage } from "./args.ts";

export const OUTPUTS = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof OUTPUTS)[number];

/** `-o`, the same for every command that prints results. */
export const OUTPUT_OPTION: OptionSpec = {
  type: "string",
  short: "o",
  value: OUTPUTS.join("|"),
  default: "table",
  help: "How results are printed.",
};

/** Fails with USAGE for anything else. */
export function outputFormat(text: string): OutputFormat {
  const format = OUTPUTS.find((known) => known === text);
  if (format === undefined) throw usage(`-o takes ${OUTPUTS.join(", ")}; got "${text}"`);
  return format;
}

/** A result as JSON or YAML, or as `table` makes it for people. */
export function render(format: OutputFormat, result: unknown, table: () => string): string {
  if (format === "json") return `${JSON.stringify(result, undefined, 2)}\n`;
  return format === "yaml" ? stringify(result) : table();
}
