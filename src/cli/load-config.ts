import type { Config } from "../config/schema/config.ts";
import { RouterError } from "../core/errors.ts";
import { formatProblem } from "../core/problem.ts";
import { fileSource } from "../server/config-source.ts";
import type { Io } from "./command.ts";

/** A config that can be used; its problems go to stderr. Fails with CONFIG_INVALID or CONFIG_UNREADABLE. */
export function loadUsable(path: string, io: Io): { readonly config: Config; readonly text: string } {
  const source = fileSource(path, io.env);
  const { config, problems } = source.load(source.text);
  if (config !== undefined) return { config, text: source.text };
  io.stderr.write(`${problems.map(formatProblem).join("\n")}\n`);
  throw new RouterError("CONFIG_INVALID", `${path} has problems`);
}
