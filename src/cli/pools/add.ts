import { FILE_OPTION, ELEMENT_OPTIONS } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { addOne } from "../resource/add.ts";
import { POOLS } from "../resource/resource.ts";

export const command: Command = {
  name: "pools add",
  summary: "Add a pool.",
  usage: ["pools add --name <name> --targets <ids> [--strategy <strategy>]", "pools add -f <file>"],
  details: `A file has the pool as in the config, with its name beside it: { name: vault, targets: [a, b], strategy: failover }.`,
  options: {
    file: FILE_OPTION,
    name: { type: "string", value: "name", help: "Its name." },
    targets: { type: "string", value: "ids", help: "With commas between them." },
    strategy: { type: "string", value: "strategy", help: "The name of a strategy." },
    fallback: { type: "string", value: "pool", help: "The pool that takes over when this one cannot." },
    ...ELEMENT_OPTIONS,
  },
  run,
};

function run(args: Args, io: Io): Promise<ExitCode> {
  const members = (): Record<string, unknown> => ({
    name: args.required("name"),
    targets: readIds(args.required("targets")),
    strategy: args.text("strategy"),
    fallback: args.text("fallback"),
  });
  return addOne({ resource: POOLS, flags: ["name", "targets", "strategy", "fallback"], members }, args, io);
}

function readIds(text: string): string[] {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.includes("")) throw usage("--targets takes ids with commas between them");
  return ids;
}
