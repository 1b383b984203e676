import type { CommandGroup } from "../command.ts";
import { command as apply } from "./apply.ts";
import { command as diff } from "./diff.ts";
import { command as get } from "./get.ts";
import { command as history } from "./history.ts";
import { command as rollback } from "./rollback.ts";
import { command as validate } from "./validate.ts";

export const group: CommandGroup = {
  name: "config",
  summary: "Look at the config of a running node and its versions, change it, and go back.",
  details: "",
  commands: [get, apply, validate, diff, history, rollback],
};
