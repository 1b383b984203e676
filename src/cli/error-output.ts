import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { ERROR_CODES } from "../core/errors.ts";
import type { Problem } from "../core/problem.ts";
import type { ExitCode, Io } from "./command.ts";

/** Of errors as programs read them: those of the library, and what only commands meet. */
export const CLI_ERROR_CODES = [
  ...ERROR_CODES,
  "NOT_FOUND",
  "CONFLICT",
  /** The node would not follow the store. */
  "ISOLATED",
  "ADMIN_UNREACHABLE",
  /** `status` says with which. */
  "ADMIN_REFUSED",
] as const;
export type CliErrorCode = (typeof CLI_ERROR_CODES)[number];

/** The same for all commands: the members of RFC 9457 that the admin API has, and the exit code. */
interface CliError {
  readonly code: CliErrorCode;
  readonly detail: string;
  readonly hint?: string | undefined;
  /** Of the admin API's answer. */
  readonly status?: number | undefined;
  readonly problems?: readonly Problem[] | undefined;
  readonly exit_code: ExitCode;
}

/** What stands in the place of a result, as `-o` asks: nothing for people, who read stderr. */
export function printError(error: CliError, format: string | undefined, { stdout }: Io): void {
  if (format === "json") stdout.write(`${JSON.stringify({ error }, undefined, 2)}\n`);
  else if (format === "yaml") stdout.write(stringify({ error }, { keepUndefined: false }));
}

/** The same for people, and what to exit with. */
export function tellError(error: CliError, format: string | undefined, io: Io): ExitCode {
  io.stderr.write(`signalbox: ${error.detail}\n`);
  if (error.hint !== undefined) io.stderr.write(`  ${error.hint.replaceAll("\n", "\n  ")}\n`);
  printError(error, format, io);
  return error.exit_code;
}

/** Of a command line that may have other mistakes. */
export function formatIn(argv: readonly string[]): string | undefined {
  const output = { type: "string", short: "o", multiple: true } as const;
  const { values } = parseArgs({ args: [...argv], options: { output }, strict: false, allowPositionals: true });
  const last = values.output?.at(-1);
  return typeof last === "string" ? last : undefined;
}
