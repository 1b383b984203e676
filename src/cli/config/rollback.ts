import { change, onlyName } from "../admin-client/ask.ts";
import { readVersion, WRITE_OPTIONS } from "../admin-client/options.ts";
import { jsonBody } from "../admin-client/read-body.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";

export const command: Command = {
  name: "config rollback",
  summary: "Go back to an earlier version of the config.",
  usage: ["config rollback <version>"],
  details:
    "What is gone back to becomes a new version, so that going back can be taken back. config history lists the versions.",
  options: WRITE_OPTIONS,
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  const text = onlyName(args, command.name, "version");
  const body = jsonBody({ to: Number(readVersion(text)) });
  return change({ method: "POST", path: ["config", "rollback"], body }, args, io, `went back to version ${text}`);
}
