import { FILE_OPTION, ELEMENT_OPTIONS } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { addOne } from "../resource/add.ts";
import { RULES } from "../resource/resource.ts";

export const command: Command = {
  name: "rules add",
  summary: "Add a rule.",
  usage: [
    "rules add --id <id> --service <name> --pool <pool>",
    "rules add -f <file> [--before <id>]",
    "rules add -f - < file",
  ],
  details: `It comes after the rules that are there, or before the one that --before names; its priority counts more than its place.

  signalbox rules add --id payments --service "payment*" --pool vault --priority high
  signalbox rules add -f rule.yaml --before catch-all`,
  options: {
    file: FILE_OPTION,
    id: { type: "string", value: "id", help: "Its id." },
    service: {
      type: "string",
      value: "name",
      multiple: true,
      help: "For this service; * is any text. Several: one of them.",
    },
    pool: { type: "string", value: "pool", help: "Where it sends to." },
    priority: { type: "string", value: "priority", help: "A number, or high, normal, low." },
    before: { type: "string", value: "id", help: "The rule to stand before." },
    ...ELEMENT_OPTIONS,
  },
  run,
};

function run(args: Args, io: Io): Promise<ExitCode> {
  const flags = ["id", "service", "pool", "priority"];
  const members = (): Record<string, unknown> => readMembers(args);
  return addOne({ resource: RULES, flags, members, query: { before: args.text("before") } }, args, io);
}

function readMembers(args: Args): Record<string, unknown> {
  const conditions = readServices(args.list("service"));
  return {
    id: args.required("id"),
    priority: readPriority(args.text("priority")),
    conditions,
    pool: args.required("pool"),
  };
}

function readServices(services: readonly string[]): unknown {
  if (services.includes("")) throw usage("--service takes a name");
  if (services.length === 0)
    throw usage("rules add needs --service", "other conditions, or none at all, take a file: -f");
  const [first, ...more] = services.map((name) => ({ service_name: name }));
  return more.length === 0 ? [first] : [{ any: [first, ...more] }];
}

/** Names and whatever else is written are the schema's to judge. */
function readPriority(text: string | undefined): string | number | undefined {
  const number = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : text;
}
