import { change, noNames } from "../admin-client/ask.ts";
import { FILE_OPTION, WRITE_OPTIONS } from "../admin-client/options.ts";
import { readBody } from "../admin-client/read-body.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";

export const command: Command = {
  name: "config apply",
  summary: "Let a running node take over another config.",
  usage: ["config apply -f <file>", "config apply -f - < file"],
  details: `It is checked first: one with problems changes nothing, and they are told with exit code 3. Data flows on meanwhile.
--if-match makes sure that nobody else changed it since it was looked at.`,
  options: { file: FILE_OPTION, ...WRITE_OPTIONS },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  const body = await readBody(args, io);
  return change({ method: "PUT", path: ["config"], body }, args, io, "config applied");
}
