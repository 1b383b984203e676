import { parseArgs, type ParseArgsConfig } from "node:util";
import { hintFor } from "../config/closest.ts";
import { RouterError } from "../core/errors.ts";
import type { Args, Command, OptionSpec } from "./command.ts";

/**
 * Parses what follows the command's name. Fails with USAGE, and the option that was probably meant.
 */
export function parseCommandLine(command: Command, argv: readonly string[]): Args | "help" {
  const specs: Record<string, OptionSpec> = { ...command.options, help: HELP };
  const options = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, configOf(spec)]));
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
    if (spec === undefined) throw unknownOption(command, token.rawName, Object.keys(specs));
    checkToken(spec, token);
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? ""]);
  }
  if (given.has("help")) return "help";
  for (const [name, { choices }] of Object.entries(command.options)) {
    const last = given.get(name)?.at(-1);
    if (choices !== undefined && last !== undefined) oneOf(name, choices, last);
  }
  return createArgs(command, given, positionals);
}

const HELP: OptionSpec = { flag: true, short: "h", help: "Show this help." };

function configOf({ flag, short }: OptionSpec): NonNullable<ParseArgsConfig["options"]>[string] {
  return { type: flag === true ? "boolean" : "string", multiple: true, ...(short !== undefined && { short }) };
}

function checkToken(
  spec: OptionSpec,
  token: { rawName: string; value: string | undefined; inlineValue: boolean | undefined },
): void {
  if (spec.flag === true && token.value !== undefined) throw usage(`${token.rawName} takes no value`);
  if (spec.flag === true) return;
  if (token.value === undefined) throw usage(`${token.rawName} needs a value`);
  // `--config --strict`: a value was forgotten, rather than meant to begin with dashes.
  if (token.inlineValue === false && /^-./u.test(token.value)) {
    throw usage(`${token.rawName} needs a value`, `write ${token.rawName}=${token.value} if that is the value`);
  }
}

function unknownOption(command: Command, name: string, known: readonly string[]): RouterError {
  const dashed = known.map((option) => `--${option}`);
  return usage(`${command.name}: unknown option ${name}`, hintFor(name, dashed, "options"));
}

function createArgs(command: Command, given: ReadonlyMap<string, string[]>, positionals: readonly string[]): Args {
  const specOf = (name: string): OptionSpec => {
    const spec = command.options[name];
    if (spec === undefined) throw new RouterError("INTERNAL", `${command.name} does not declare --${name}`);
    return spec;
  };
  const text = (name: string): string | undefined => given.get(name)?.at(-1) ?? specOf(name).default;
  return {
    positionals,
    text,
    isGiven: (name) => given.has(name),
    required(name) {
      const value = text(name);
      if (value === undefined) throw usage(`${command.name} needs --${name}`);
      return value;
    },
    flag: (name) => specOf(name).flag === true && given.has(name),
    list: (name) => given.get(name) ?? [specOf(name).default ?? []].flat(),
    number: (name, min) => toNumber(name, text(name), min),
  };
}

/**
 * For an option that says where something comes from: two of them exclude each other. Fails with
 * USAGE.
 */
export function onlyOne(args: Args, name: string): void {
  if (args.list(name).length > 1) throw usage(`--${name} is given more than once`, "leave all but one out");
}

/** What an option that has to be given lists, with commas between them. Fails with USAGE. */
export function namesIn(args: Args, option: string): string[] {
  const names = args.required(option).split(",");
  const tidy = names.map((name) => name.trim());
  if (tidy.includes("")) throw usage(`--${option} takes names with commas between them`);
  return tidy;
}

/** The same text, of the type of those that the option takes. Fails with USAGE. */
export function oneOf<Known extends string>(name: string, known: readonly Known[], text: string): Known {
  const found = known.find((each) => each === text);
  if (found === undefined) throw usage(`--${name} takes ${known.join(", ")}; got "${text}"`);
  return found;
}

function toNumber(name: string, text: string | undefined, min: number): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value < min) throw usage(`--${name} must be a number, ${min} or more; got "${text}"`);
  return value;
}

/** A mistake on the command line: exit code 2. */
export function usage(message: string, hint?: string): RouterError {
  return new RouterError("USAGE", message, hint === undefined ? {} : { hint });
}
