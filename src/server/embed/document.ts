import type { Config, ConfigInput } from "../../config/schema/config.ts";
import { RouterError } from "../../core/errors.ts";
import { formatProblem } from "../../core/problem.ts";
import { textSource } from "../config-source.ts";
import type { ConfigSource } from "../start.ts";

/** What is only read may be constant. */
export type Written<Value> = Value extends readonly (infer Entry)[]
  ? readonly Written<Entry>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Written<Value[Key]> }
    : Value;

/** A config as text (YAML or JSON), or as what it says. */
export type ConfigDocument = string | Written<ConfigInput>;

export interface DocumentOptions {
  /** Where paths in the config start; the working directory without. */
  readonly folder?: string;
  /** What `${env:NAME}` stands for; nothing without. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Reads a config. Throws CONFIG_INVALID that names all its errors. */
export function readDocument(
  document: ConfigDocument,
  { folder = ".", env = {} }: DocumentOptions,
): { readonly config: Config; readonly source: ConfigSource } {
  const text = typeof document === "string" ? document : JSON.stringify(document, undefined, 2);
  const source = textSource(text, { name: "config", folder, file: undefined }, env);
  const { config, problems } = source.load(text);
  if (config === undefined) {
    const errors = problems.filter(({ severity }) => severity === "error");
    throw new RouterError("CONFIG_INVALID", errors.map(formatProblem).join("\n"));
  }
  return { config, source };
}
