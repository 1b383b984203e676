import { configJsonSchema } from "../config/json-schema.ts";
import type { Args, Command, Io } from "./command.ts";
import { testsJsonSchema } from "./test/schema.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";

export const command: Command = {
  name: "schema",
  summary: "Print the JSON Schema of the config, for editors and checks.",
  usage: ["schema > signalbox.schema.json", "schema --tests > tests.schema.json"],
  details: "In an editor with the YAML language server: # yaml-language-server: $schema=signalbox.schema.json",
  options: { tests: { type: "boolean", help: "The schema of test files (signalbox test) instead." } },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  const schema = args.flag("tests") ? testsJsonSchema() : configJsonSchema();
  io.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
  return EXIT.ok;
}
