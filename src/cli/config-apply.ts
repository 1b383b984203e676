import { resolve } from "node:path";
import { type StoredFleet, storedFleet } from "../server/publish-command.ts";
import { changeCommand } from "./admin-client/command.ts";
import { queryOf, readBody } from "./admin-client/options.ts";
import { onlyOne, usage } from "./args.ts";
import type { Args, Command, Io, OptionSpecs } from "./command.ts";
import { authorOf, expectedOf, PEOPLE_OPTIONS, publisherOf, publishTo } from "./config-published.ts";
import { refuse } from "./validate.ts";

const OPTIONS: OptionSpecs = {
  file: { short: "f", value: "file", help: "YAML or JSON; - is stdin. Or without the option." },
  ...PEOPLE_OPTIONS,
  init: { flag: true, help: "Make the fleet, too, where its store has none yet." },
  staged: { flag: true, help: "One node of the fleet tries it, then a region, then all: see config rollout." },
  again: { flag: true, help: "Also when the same document was rolled back or aborted before." },
  force: { flag: true, help: "Also when a live member of the fleet cannot read its schema." },
};

const viaNode = changeCommand({
  name: "config apply",
  summary: "Apply another config to a node, or to a whole fleet.",
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
    const query = { by: authorOf(args, io), ...queryOf(args, "note", "init", "force", "staged", "again") };
    return { method: "PUT", path: ["config"], body, query };
  },
  done: ({ args }) => (args.flag("staged") ? "config staged: config rollout shows how far it is" : "config applied"),
});

export const apply: Command = {
  ...viaNode,
  async run(args, io) {
    const fleet = fleetIn(fileIn(args), args, io);
    return fleet === undefined ? viaNode.run(args, io) : publishTo(fleet, termsOf(args, io), args, io);
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

function termsOf(args: Args, io: Io): Parameters<typeof publishTo>[1] {
  const publish = {
    author: publisherOf(args, io),
    note: args.text("note"),
    init: args.flag("init"),
    force: args.flag("force"),
    staged: args.flag("staged"),
    again: args.flag("again"),
  };
  return { expected: expectedOf(args), publish };
}
