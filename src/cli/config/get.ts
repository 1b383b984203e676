import { ask, noNames } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS, readVersion } from "../admin-client/options.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { outputFormat } from "../print.ts";

export const command: Command = {
  name: "config get",
  summary: "Show the running config, secrets redacted.",
  usage: ["config get [-o json]", "config get --version <version>"],
  details:
    "As it is written, with its comments; with -o json as it is meant, with all defaults, its version and its digest.",
  options: {
    version: { type: "string", value: "version", help: "An earlier one, of config history." },
    ...ADMIN_OPTIONS,
  },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  const asked = args.text("version");
  const version = asked === undefined ? undefined : readVersion(asked);
  const format = outputFormat(args.required("output")) === "json" ? undefined : "yaml";
  const path = version === undefined ? ["config"] : ["config", "versions", version];
  return ask({ method: "GET", path, query: { format } }, args, io, String);
}
