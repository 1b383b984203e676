import { callAdmin } from "../admin-client/client.ts";
import { fieldsOf, problemsOf } from "../admin-client/answer.ts";
import { noNames } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS, adminOptions, FILE_OPTION } from "../admin-client/options.ts";
import { readBody } from "../admin-client/read-body.ts";
import { problemLines, tellFailure } from "../admin-client/tell.ts";
import type { Args, Command, Io } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { outputFormat, render } from "../print.ts";

export const command: Command = {
  name: "config validate",
  summary: "Ask a running node whether it could take over a config, and change nothing.",
  usage: ["config validate -f <file>", "config validate -f - < file"],
  details: `Other than \`signalbox validate\`, which needs no node, this one asks with the environment and the files of that node.`,
  options: { file: FILE_OPTION, ...ADMIN_OPTIONS },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  const options = adminOptions(args, io);
  const format = outputFormat(args.required("output"));
  const body = await readBody(args, io);
  const answer = await callAdmin({ method: "POST", path: ["config", "validate"], body }, options, io.clock);
  if (answer.kind !== "ok") return tellFailure(answer, options.url, io.stderr);
  const valid = fieldsOf(answer.body)["valid"] === true;
  io.stdout.write(format === "json" ? answer.text : render(format, answer.body, () => tell(answer.body, valid)));
  return valid ? EXIT.ok : EXIT.invalidConfig;
}

function tell(body: unknown, valid: boolean): string {
  const problems = problemsOf(body, "problems");
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const lines = problemLines(problems).map((line) => `${line}\n`);
  return `${lines.join("")}${valid ? "valid" : "not valid"}: ${count(errors, "error")}, ${count(problems.length - errors, "warning")}\n`;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
