import { configJsonSchema } from "../config/json-schema.ts";
import type { Args, Command, Io } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";

export const command: Command = {
  name: "schema",
  summary: "Print the JSON Schema of the config, for editors and checks.",
  usage: ["schema > signalbox.schema.json"],
  details: "In an editor with the YAML language server: # yaml-language-server: $schema=signalbox.schema.json",
  options: {},
  run,
};

async function run(_args: Args, io: Io): Promise<ExitCode> {
  io.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return EXIT.ok;
}
