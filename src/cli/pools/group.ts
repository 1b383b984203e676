import type { CommandGroup } from "../command.ts";
import { getCommand } from "../resource/get.ts";
import { removeCommand } from "../resource/remove.ts";
import { POOLS } from "../resource/resource.ts";
import { setCommand } from "../resource/set.ts";
import { command as add } from "./add.ts";
import { command as list } from "./list.ts";

export const group: CommandGroup = {
  name: "pools",
  summary: "Look at the pools of a running node, and change them.",
  details: "",
  commands: [list, getCommand(POOLS), add, setCommand(POOLS), removeCommand(POOLS)],
};
