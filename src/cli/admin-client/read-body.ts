import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { onlyOne, usage } from "../args.ts";
import type { Args, Io } from "../command.ts";
import type { AdminBody } from "./client.ts";

/**
 * What `-f` names, as it is, so that comments survive: JSON is YAML, too. Fails with USAGE without `-f` or with nothing in
 * it, with CONFIG_UNREADABLE for a file that cannot be read.
 */
export async function readBody(args: Args, io: Io): Promise<AdminBody> {
  onlyOne(args, "file");
  const file = args.required("file");
  const text = file === "-" ? await io.readStdin() : readFile(resolve(io.cwd, file), file);
  if (text.trim() === "") throw usage(`${file === "-" ? "standard input" : file} is empty`);
  return { type: "application/yaml", text };
}

/** A body of members that were given; what is undefined is left out. */
export function jsonBody(members: Readonly<Record<string, unknown>>): AdminBody {
  return { type: "application/json", text: JSON.stringify(members) };
}

function readFile(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new RouterError("CONFIG_UNREADABLE", `cannot read ${name}: ${reasonOf(cause)}`, { cause });
  }
}
