import { listOf, type Values } from "../config/values.ts";
import { parse } from "yaml";
import { adminCommand, changeCommand } from "./admin-client/command.ts";
import type { AdminRequestBody } from "./admin-client/client.ts";
import { fieldsOf } from "./admin-client/fields.ts";
import { FILE_OPTION, queryOf, readBody, readBodyOr } from "./admin-client/options.ts";
import type { Args, Command, CommandGroup, OptionSpecs } from "./command.ts";
import { type Column, tableText } from "./table.ts";

type Wording = Pick<Command, "summary"> & Partial<Pick<Command, "details">>;

/**
 * A kind of thing in the route table: what its commands say and do that is not the same for all
 * kinds.
 */
interface ElementKind {
  /** The group of its commands, and the segment of its path. */
  readonly plural: "rules" | "pools" | "targets" | "regions";
  readonly noun: "rule" | "pool" | "target" | "region";
  /** What names it. */
  readonly key: "id" | "name";
  readonly summary: string;
  readonly list: Wording & {
    readonly columns: (nowMs: number) => readonly Column<Values>[];
    /** All rows for one thing; itself alone when left out. */
    readonly rows?: (thing: Values) => readonly Values[];
  };
  readonly add: Wording & {
    readonly usage: readonly string[];
    /** Options that say what it is; none may stand beside -f. */
    readonly flags: OptionSpecs;
    /** From the flags; what is undefined is left out. */
    readonly members: (args: Args) => Values;
    /** Options that go into the query as they are. */
    readonly query?: OptionSpecs;
  };
  /** Besides those that every kind has. */
  readonly commands?: readonly Command[];
}

/** `rules list`, `rules get <id>` and so on. */
export function resourceGroup(resource: ElementKind): CommandGroup {
  const { plural, summary, commands = [] } = resource;
  const own = [listCommand, getCommand, addCommand, setCommand, removeCommand].map((make) => make(resource));
  return { name: plural, summary, details: "", commands: [...own, ...commands] };
}

function listCommand({ plural, list: { columns, rows, ...told } }: ElementKind): Command {
  return adminCommand({
    ...told,
    name: `${plural} list`,
    usage: [`${plural} list`],
    call: () => ({ method: "GET", path: [plural] }),
    text(body, { io }) {
      const things = listOf(body).map(fieldsOf);
      return tableText(columns(io.clock.wallMs()), rows === undefined ? things : things.flatMap(rows), io.stdout);
    },
  });
}

/** These are what stands in the config, and no more; the others have a state besides. */
const AS_WRITTEN: ReadonlySet<ElementKind["plural"]> = new Set(["rules", "regions"]);

function getCommand({ plural, noun, key }: ElementKind): Command {
  const name = `${plural} get`;
  const asWritten = AS_WRITTEN.has(plural);
  const config = { flag: true, help: "Only what stands in the config: to be changed, and set." } as const;
  return adminCommand({
    name,
    summary: asWritten ? `Show one ${noun}.` : `Show one ${noun}: how it does, and what stands in the config.`,
    usage: [`${name} <${key}>`, ...(asWritten ? [] : [`${name} <${key}> --config`])],
    options: asWritten ? {} : { config },
    takes: key,
    call: (given) => ({ method: "GET", path: [plural, given.name] }),
    member: (args) => (!asWritten && args.flag("config") ? "config" : undefined),
  });
}

/** Adds one thing: as a file has it, or as flags say in simple cases. */
function addCommand({ plural, noun, key, add: { flags, query, members, ...told } }: ElementKind): Command {
  const added = {
    names: Object.keys(flags),
    none: `${plural} add needs -f, or options that say what to add`,
    make: members,
  };
  return changeCommand({
    ...told,
    name: `${plural} add`,
    options: { file: FILE_OPTION, ...flags, ...query },
    ofOne: true,
    call: async (given) => ({
      method: "POST",
      path: [plural],
      body: await readBodyOr(given, added),
      query: queryOf(given.args, ...Object.keys(query ?? {})),
    }),
    done: (_, { body }) => [noun, nameIn(body, key), "added"].filter((word) => word !== "").join(" "),
  });
}

function setCommand({ plural, noun, key }: ElementKind): Command {
  const name = `${plural} set`;
  return changeCommand({
    name,
    summary: `Replace one ${noun}.`,
    usage: [`${name} <${key}> -f <file>`, `${name} <${key}> -f - < file`],
    details: `What \`${plural} get <${key}>${AS_WRITTEN.has(plural) ? "" : " --config"}\` shows can be changed and given back. Of the node's config file only what changes
is written; comments stay.`,
    options: { file: FILE_OPTION },
    ofOne: true,
    takes: key,
    call: async (given) => ({
      method: "PUT",
      path: [plural, given.name],
      body: await readBody(given.args, given.io),
    }),
    done: (given) => `${noun} ${given.name} set`,
  });
}

function removeCommand({ plural, noun, key }: ElementKind): Command {
  const name = `${plural} remove`;
  return changeCommand({
    name,
    summary: `Take one ${noun} out of the config.`,
    usage: [`${name} <${key}>`],
    details: AS_WRITTEN.has(plural)
      ? ""
      : `A ${noun} that something else in the config names stays: exit code 3 says what does.`,
    ofOne: true,
    takes: key,
    call: (given) => ({ method: "DELETE", path: [plural, given.name] }),
    done: (given) => `${noun} ${given.name} removed`,
  });
}

/** For people only: what cannot be read is left for the node to check. */
function nameIn(body: AdminRequestBody | undefined, key: string): string {
  try {
    const name = fieldsOf(parse(body?.text ?? ""))[key];
    return typeof name === "string" ? name : "";
  } catch {
    return "";
  }
}
