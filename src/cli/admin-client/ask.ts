import { stringify } from "yaml";
import { type OutputFormat, outputFormat, render } from "../print.ts";
import { usage } from "../args.ts";
import type { Args, Io } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { elementsOf, fieldsOf, problemsOf } from "./answer.ts";
import { type AdminCall, callAdmin } from "./client.ts";
import { adminOptions, readIfMatch } from "./options.ts";
import { problemLines, tellFailure } from "./tell.ts";

/** Prints what a node answers: exactly that with -o json or yaml, else as `table` makes it for people. */
export async function ask(call: AdminCall, args: Args, io: Io, table: (body: unknown) => string): Promise<ExitCode> {
  const options = adminOptions(args, io);
  const format = outputFormat(args.required("output"));
  const answer = await callAdmin(call, options, io.clock);
  if (answer.kind !== "ok") return tellFailure(answer, options.url, io.stderr);
  io.stdout.write(rendered(format, answer, table));
  return EXIT.ok;
}

/** Prints one member of what a node answers, as YAML for people. */
export async function askPart(member: string, call: AdminCall, args: Args, io: Io): Promise<ExitCode> {
  const options = adminOptions(args, io);
  const format = outputFormat(args.required("output"));
  const answer = await callAdmin(call, options, io.clock);
  if (answer.kind !== "ok") return tellFailure(answer, options.url, io.stderr);
  const part = fieldsOf(answer.body)[member] ?? null;
  io.stdout.write(render(format, part, () => stringify(part)));
  return EXIT.ok;
}

/** Changes the config of a node, and prints `done` and the version that runs now; what else people must know goes to stderr. */
export async function change(call: AdminCall, args: Args, io: Io, done: string): Promise<ExitCode> {
  return ask({ ...call, ifMatch: readIfMatch(args) }, args, io, (body) => {
    for (const line of problemLines(problemsOf(body, "warnings"))) io.stderr.write(`${line}\n`);
    const { version, changed, restart_required: restart, removed_pools: removed } = fieldsOf(body);
    for (const pool of elementsOf(removed).map(fieldsOf)) {
      const held = `${String(pool["queued_items"])} items (${String(pool["queued_bytes"])} bytes)`;
      io.stderr.write(
        `removed pool ${String(pool["name"])} still holds ${held}: it goes on for at most five minutes\n`,
      );
    }
    if (elementsOf(restart).length > 0) {
      io.stderr.write(`takes effect only after a restart of the node: ${elementsOf(restart).join(", ")}\n`);
    }
    const same = Array.isArray(changed) && changed.length === 0 ? " (nothing is different)" : "";
    return typeof version === "number" ? `${done}; config version ${version}${same}\n` : `${done}${same}\n`;
  });
}

/** The one thing that a command is about, as people name it. */
export function onlyName(args: Args, command: string, noun: string): string {
  const [name, ...more] = args.positionals;
  if (name === undefined || name === "" || more.length > 0) throw usage(`${command} needs one ${noun}`);
  return name;
}

/** For commands about everything. */
export function noNames(args: Args, command: string): void {
  const [first] = args.positionals;
  if (first !== undefined) throw usage(`${command} takes no "${first}"`);
}

function rendered(
  format: OutputFormat,
  answer: { text: string; body: unknown },
  table: (body: unknown) => string,
): string {
  const isText = typeof answer.body === "string";
  const asItIs = answer.text === "" || answer.text.endsWith("\n") ? answer.text : `${answer.text}\n`;
  return format === "json" || (format === "yaml" && isText)
    ? asItIs
    : render(format, answer.body, () => table(answer.body));
}
