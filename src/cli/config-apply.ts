import { hostname } from "node:os";
import { resolve } from "node:path";
import { memoryOf } from "../server/named-store.ts";
import {
  checkedText,
  type PublishRefusal,
  publishFile,
  refusalOf,
  type StoredFleet,
  storedFleet,
} from "../server/publish-command.ts";
import { changeCommand } from "./admin-client/command.ts";
import { readBody, readIfMatch } from "./admin-client/options.ts";
import { onlyOne, usage } from "./args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io, type OptionSpecs } from "./command.ts";
import { withStore } from "./coordination/options.ts";
import { printError } from "./error-output.ts";
import { print, problemLines } from "./print.ts";
import { refuse } from "./validate.ts";

const OPTIONS: OptionSpecs = {
  file: { type: "string", short: "f", value: "file", help: "YAML or JSON; - is stdin. Or without the option." },
  note: { type: "string", value: "text", help: "Why, for people: kept in the history." },
  by: { type: "string", value: "name", help: "Who, for people; default: the user of this machine." },
  init: { type: "boolean", help: "Make the fleet, too, where its store has none yet." },
  force: { type: "boolean", help: "Also when a live member of the fleet cannot read its schema." },
};

const viaNode = changeCommand({
  name: "config apply",
  summary: "Let a node, or a whole fleet, take over another config.",
  usage: ["config apply <file>", "config apply -f <file> --url <url>", "config apply -f - < file"],
  details: `It is checked first: one with problems changes nothing, and they are told with exit code 3. Data flows on meanwhile.
--if-match makes sure that nobody else changed it since it was looked at.

A file that names a store (node.coordination with etcd or consul) is published there, as the next version of the
fleet's config and without \`node\`; every node takes it over. With --url or $SIGNALBOX_URL a running node is asked, which tries
the config on itself first.`,
  takes: "names",
  options: OPTIONS,
  async call({ args, io }) {
    const given = fileIn(args);
    const body = await readBody({ ...args, list: () => [given], required: () => given }, io);
    return { method: "PUT", path: ["config"], body, query: wishOf(args, io) };
  },
  done: () => "config applied",
});

export const apply: Command = {
  ...viaNode,
  async run(args, io) {
    const fleet = fleetIn(fileIn(args), args, io);
    return fleet === undefined ? viaNode.run(args, io) : publish(fleet, args, io);
  },
};

/** Named by the option, or without it. */
function fileIn(args: Args): string {
  const [name, ...more] = args.positionals;
  onlyOne(args, "file");
  if (name === undefined) return args.required("file");
  if (more.length > 0 || args.text("file") !== undefined) throw usage("config apply takes one file");
  return name;
}

/** Undefined: a running node is asked. */
function fleetIn(file: string, args: Args, io: Io): StoredFleet | undefined {
  if (file === "-" || args.text("url") !== undefined || (io.env["SIGNALBOX_URL"] ?? "") !== "") return undefined;
  return storedFleet(resolve(io.cwd, file), io.env, (problems) => refuse(problems, io, `${file} has problems`));
}

function wishOf(args: Args, { env }: Io): Readonly<Record<string, string | undefined>> {
  const user = env["USER"] ?? "";
  const by = args.text("by") ?? (user === "" ? undefined : `${user}@${hostname()}`);
  const flag = (name: string): string | undefined => (args.flag(name) ? "true" : undefined);
  return { by, note: args.text("note"), init: flag("init"), force: flag("force") };
}

async function publish(fleet: StoredFleet, args: Args, io: Io): Promise<ExitCode> {
  const { by, note } = wishOf(args, io);
  const wish = { author: by ?? `somebody@${hostname()}`, note, init: args.flag("init"), force: args.flag("force") };
  const ifMatch = readIfMatch(args)?.replaceAll('"', "");
  const expected = ifMatch === undefined || ifMatch === "*" ? undefined : Number(ifMatch);
  const text = checkedText(fleet); // a large one takes a while, in which no store has to answer
  if (typeof text !== "string") return tellRefusal(text, args, io);
  const memory = await memoryOf(fleet.store);
  const result = await withStore(fleet.store, "write", { args, io }, (coordination, signal) =>
    publishFile({ text, coordination, memory, expected, wish, signal }),
  );
  if ("pointer" in result) {
    const { version, sha256 } = result.pointer;
    const { prefix } = fleet.store.coordination;
    const same = result.kind === "same" ? " (nothing is different)" : "";
    print({ version, digest: sha256, prefix, result: result.kind }, args, io, () => {
      return `published to the fleet at ${prefix}; config version ${version}${same}\n`;
    });
    return EXIT.ok;
  }
  return tellRefusal(result, args, io);
}

function tellRefusal(result: PublishRefusal, args: Args, io: Io): ExitCode {
  const { detail, hint, problems } = refusalOf(result);
  const lines = problems === undefined ? [detail] : problemLines(problems);
  const below = hint === undefined ? "" : `  ${hint}\n`;
  io.stderr.write(`not published:\n${lines.join("\n")}\n${below}`);
  const code = result.kind === "invalid" ? "CONFIG_INVALID" : "CONFLICT";
  const exitCode = result.kind === "invalid" ? EXIT.invalidConfig : EXIT.conflict;
  printError({ code, detail, hint, problems, exit_code: exitCode }, args.text("output"), io);
  return exitCode;
}
