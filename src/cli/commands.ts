import type { Command, CommandGroup } from "./command.ts";
import { group as config } from "./config/group.ts";
import { command as demo } from "./demo/command.ts";
import { command as explain } from "./explain/command.ts";
import { group as pools } from "./pools/group.ts";
import { group as rules } from "./rules/group.ts";
import { command as run } from "./run.ts";
import { command as schema } from "./schema.ts";
import { command as send } from "./send/command.ts";
import { group as targets } from "./targets/group.ts";
import { command as test } from "./test/command.ts";
import { command as validate } from "./validate.ts";
import { command as version } from "./version.ts";

/** All commands and groups of commands, in the order of the help. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  demo,
  run,
  send,
  validate,
  explain,
  test,
  targets,
  pools,
  rules,
  config,
  schema,
  version,
];
