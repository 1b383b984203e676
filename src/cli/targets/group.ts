import type { CommandGroup } from "../command.ts";
import { getCommand } from "../resource/get.ts";
import { removeCommand } from "../resource/remove.ts";
import { TARGETS } from "../resource/resource.ts";
import { setCommand } from "../resource/set.ts";
import { command as add } from "./add.ts";
import { command as list } from "./list.ts";
import { drain, maintenance, ready } from "./operate.ts";

export const group: CommandGroup = {
  name: "targets",
  summary: "Look at the targets of a running node and their health, drain them, and change them.",
  details: "",
  commands: [list, getCommand(TARGETS), add, setCommand(TARGETS), removeCommand(TARGETS), drain, maintenance, ready],
};
