import { listOf } from "../../config/values.ts";
import { stringify } from "yaml";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io, type OptionSpecs } from "../command.ts";
import { print, problemLines } from "../print.ts";
import { problemsOf } from "./answer.ts";
import { type AdminCall, callAdmin } from "./client.ts";
import { fieldsOf } from "./fields.ts";
import { ADMIN_OPTIONS, adminOptions, CHANGE_OPTIONS, FORCE_OPTION, queryOf, readIfMatch } from "./options.ts";
import { tellFailure } from "./tell.ts";

/** What a command makes its call from. */
export interface Given {
  readonly args: Args;
  readonly io: Io;
  /** The one thing that the command is about; empty when it takes none. */
  readonly name: string;
}

/** A command that makes one call of the admin API, and has the options for that. */
export interface AdminCommand extends Pick<Command, "name" | "summary" | "usage"> {
  readonly details?: string;
  readonly options?: OptionSpecs;
  /**
   * What people call its one argument; `names`: it takes several, and reads them itself. Left out:
   * it takes none.
   */
  readonly takes?: "id" | "name" | "version" | "level" | "names";
  readonly call: (given: Given) => AdminCall | Promise<AdminCall>;
  /** The answer, for people; as YAML when left out. */
  readonly text?: (body: unknown, given: Given, call: AdminCall) => string;
  /** The only member of the answer that is printed. */
  readonly member?: (args: Args) => string | undefined;
  /** Of an answer that is no failure. */
  readonly exitCode?: (body: unknown) => ExitCode;
  /** Who else can be asked where no node answers. */
  readonly elsewhere?: string;
}

export function adminCommand(spec: AdminCommand): Command {
  return {
    ...spec,
    details: spec.details ?? "",
    options: { ...spec.options, ...ADMIN_OPTIONS },
    async run(args, io) {
      const given = { args, io, name: nameIn(args, spec) };
      const call = await spec.call(given);
      return ask(call, args, io, { ...spec, text: (body) => spec.text?.(body, given, call) ?? stringify(body) });
    },
  };
}

interface ChangeCommand extends Omit<AdminCommand, "text"> {
  /** It changes one rule, pool or target, so that --force means something. */
  readonly ofOne?: true;
  /** What was done, for people. */
  readonly done: (given: Given, call: AdminCall) => string;
}

/**
 * One that changes the config of a node, and prints what was done and the version that runs then.
 */
export function changeCommand(spec: ChangeCommand): Command {
  const { ofOne = false, done } = spec;
  const command = adminCommand({
    ...spec,
    async call(given) {
      const call = await spec.call(given);
      const query = ofOne ? { ...call.query, ...queryOf(given.args, "force") } : call.query;
      return { ...call, ...(query && { query }), ifMatch: readIfMatch(given.args) };
    },
    text: (body, given, call) => changeText(body, done(given, call), given.io),
  });
  return { ...command, options: { ...command.options, ...CHANGE_OPTIONS, ...(ofOne ? FORCE_OPTION : {}) } };
}

/**
 * Prints what a node answers: exactly that with -o json or yaml, else as `text` makes it for
 * people.
 */
export async function ask(
  call: AdminCall,
  args: Args,
  io: Io,
  spec: Pick<AdminCommand, "member" | "exitCode" | "elsewhere"> & { text: (body: unknown) => string },
): Promise<ExitCode> {
  const { text, member, exitCode, elsewhere } = spec;
  const options = adminOptions(args, io);
  const answer = await callAdmin(call, options, io.clock);
  if (answer.kind === "unreachable" && elsewhere !== undefined) {
    return tellFailure({ ...answer, hint: `${answer.hint}; ${elsewhere}` }, options.url, args, io);
  }
  if (answer.kind !== "ok") return tellFailure(answer, options.url, args, io);
  const { body } = answer;
  const part = member?.(args);
  const format = args.required("output");
  if (part !== undefined) {
    const found = fieldsOf(body)[part] ?? null;
    print(found, args, io, () => stringify(found));
  } else if (format === "json" || (format === "yaml" && typeof body === "string")) {
    io.stdout.write(answer.text === "" || answer.text.endsWith("\n") ? answer.text : `${answer.text}\n`);
  } else {
    print(body, args, io, () => text(body));
  }
  return exitCode?.(body) ?? EXIT.ok;
}

function nameIn(args: Args, { name: command, takes }: AdminCommand): string {
  const [name, ...more] = args.positionals;
  if (takes === "names") return "";
  if (takes === undefined) {
    if (name !== undefined) throw usage(`${command} takes no "${name}"`);
    return "";
  }
  if (name === undefined || name === "" || more.length > 0) throw usage(`${command} needs one ${takes}`);
  return name;
}

/** What changed, for people; what else they must know goes to stderr. */
function changeText(body: unknown, done: string, { stderr }: Io): string {
  for (const line of problemLines(problemsOf(body, "warnings"))) stderr.write(`${line}\n`);
  const { version, changed, restart_required: restart, removed_pools: removed } = fieldsOf(body);
  for (const pool of listOf(removed).map(fieldsOf)) {
    const held = `${String(pool["queued_items"])} items (${String(pool["queued_bytes"])} bytes)`;
    stderr.write(`removed pool ${String(pool["name"])} still holds ${held}: it goes on for at most five minutes\n`);
  }
  if (listOf(restart).length > 0) {
    stderr.write(`takes effect only after a restart of the node: ${listOf(restart).join(", ")}\n`);
  }
  const same = Array.isArray(changed) && changed.length === 0 ? " (nothing is different)" : "";
  return typeof version === "number" ? `${done}; config version ${version}${same}\n` : `${done}${same}\n`;
}
