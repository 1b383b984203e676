import type { Command } from "./command.ts";
import { command as demo } from "./demo/command.ts";
import { command as run } from "./run.ts";
import { command as schema } from "./schema.ts";
import { command as send } from "./send/command.ts";
import { command as validate } from "./validate.ts";
import { command as version } from "./version.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [demo, run, send, validate, schema, version];
