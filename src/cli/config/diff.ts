import { fieldsOf } from "../admin-client/answer.ts";
import { ask } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS, readVersion } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";

export const command: Command = {
  name: "config diff",
  summary: "Show what changed between two versions of the config.",
  usage: ["config diff", "config diff <from> [to]"],
  details:
    "Without versions: between the one before and the one that runs; with one: between it and the one that runs.",
  options: ADMIN_OPTIONS,
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  const [from, to, ...more] = args.positionals.map(readVersion);
  if (more.length > 0) throw usage("config diff takes two versions");
  return ask({ method: "GET", path: ["config", "diff"], query: { from, to } }, args, io, (body) => {
    const { text } = fieldsOf(body);
    if (typeof text !== "string" || text === "") return "no difference\n";
    return text.endsWith("\n") ? text : `${text}\n`;
  });
}
