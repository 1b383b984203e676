import { hintFor } from "../config/closest.ts";
import { usage } from "./args.ts";
import type { Command, CommandGroup } from "./command.ts";
import { COMMANDS } from "./commands.ts";

/** What the first words of a command line name, and what follows them. */
export interface Found {
  readonly command: Command | CommandGroup;
  readonly rest: readonly string[];
}

/** Finds a command, or a group when no command of it is named. Fails with USAGE, and what was probably meant. */
export function findCommand(words: readonly string[]): Found {
  const [name = "help", ...rest] = words;
  const command = named(COMMANDS, name);
  if (command === undefined) throw unknown("command", name, [...COMMANDS.map((known) => known.name), "help"]);
  if (!isGroup(command)) return { command, rest };
  const [part, ...more] = rest;
  if (part === undefined || part.startsWith("-")) return { command, rest };
  const within = named(command.commands, `${name} ${part}`);
  if (within !== undefined) return { command: within, rest: more };
  throw unknown(`${name} command`, part, partsOf(command));
}

/** The last words of the names of a group's commands. */
export function partsOf({ name, commands }: CommandGroup): string[] {
  return commands.map((command) => command.name.slice(name.length + 1));
}

export function isGroup(command: Command | CommandGroup): command is CommandGroup {
  return "commands" in command;
}

function named<One extends { readonly name: string }>(commands: readonly One[], name: string): One | undefined {
  return commands.find((known) => known.name === name);
}

function unknown(kind: string, name: string, names: readonly string[]): Error {
  if (name.startsWith("-")) return usage(`unknown option ${name}`);
  return usage(`unknown ${kind} ${name}`, hintFor(name, names, "commands"));
}
