import { VERSION } from "../core/version.ts";
import type { Args, Command, Io } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { OUTPUT_OPTION, outputFormat, render } from "./print.ts";

export const command: Command = {
  name: "version",
  summary: "Show the version.",
  usage: ["version [-o json]"],
  details: "",
  options: { output: OUTPUT_OPTION },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  const result = { signalbox: VERSION, node: process.versions.node };
  io.stdout.write(
    render(
      outputFormat(args.required("output")),
      result,
      () => `signalbox ${VERSION} (Node.js ${process.versions.node})\n`,
    ),
  );
  return EXIT.ok;
}
