import { parse } from "yaml";
import { fieldsOf } from "../admin-client/answer.ts";
import { change, noNames } from "../admin-client/ask.ts";
import type { AdminBody } from "../admin-client/client.ts";
import { elementQuery } from "../admin-client/options.ts";
import { jsonBody, readBody } from "../admin-client/read-body.ts";
import { usage } from "../args.ts";
import type { Args, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Resource } from "./resource.ts";

/** What a command adds, and how it is read. */
export interface Adding {
  readonly resource: Resource;
  /** Options that say what it is; none may stand beside -f. */
  readonly flags: readonly string[];
  /** From the flags; what is undefined is left out. */
  readonly members: () => Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
}

/** Adds one thing: as a file has it, or as flags say in simple cases. */
export async function addOne({ resource, flags, members, query }: Adding, args: Args, io: Io): Promise<ExitCode> {
  const { plural, noun, key } = resource;
  noNames(args, `${plural} add`);
  const given = flags.filter((flag) => args.list(flag).length > 0).map((flag) => `--${flag}`);
  const isFile = args.text("file") !== undefined;
  if (isFile && given.length > 0) throw usage(`${given.join(", ")} cannot stand beside -f`, "write it into the file");
  if (!isFile && given.length === 0) throw usage(`${plural} add needs -f, or options that say what to add`);
  const body = isFile ? await readBody(args, io) : jsonBody(members());
  const id = nameIn(body, key);
  const call = { method: "POST", path: [plural], body, query: { ...query, ...elementQuery(args) } } as const;
  return change(call, args, io, id === undefined ? `${noun} added` : `${noun} ${id} added`);
}

/** For people only: what cannot be read is left for the node to judge. */
function nameIn({ text }: AdminBody, key: string): string | undefined {
  try {
    const name = fieldsOf(parse(text))[key];
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}
