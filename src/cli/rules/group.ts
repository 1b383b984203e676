import type { CommandGroup } from "../command.ts";
import { getCommand } from "../resource/get.ts";
import { removeCommand } from "../resource/remove.ts";
import { RULES } from "../resource/resource.ts";
import { setCommand } from "../resource/set.ts";
import { command as add } from "./add.ts";
import { command as list } from "./list.ts";

export const group: CommandGroup = {
  name: "rules",
  summary: "Look at the rules of a running node, and change them.",
  details: "",
  commands: [list, getCommand(RULES), add, setCommand(RULES), removeCommand(RULES)],
};
