import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { loadConfig } from "../config/load.ts";
import { reasonOf, RouterError } from "../core/errors.ts";
import type { ConfigSource } from "./start.ts";

/** Certificates and tokens are small: what is larger is a mistake. */
const MAX_FILE_BYTES = 1_048_576;

type Environment = Readonly<Record<string, string | undefined>>;

/** A config file, read once. Paths in it start at its folder. Fails with CONFIG_UNREADABLE. */
export function fileSource(file: string, env: Environment): ConfigSource {
  const path = resolve(file);
  try {
    return textSource(readFileSync(path, "utf8"), { name: file, folder: dirname(path), file: path }, env);
  } catch (cause) {
    throw new RouterError("CONFIG_UNREADABLE", `cannot read ${file}: ${reasonOf(cause)}`, { cause });
  }
}

/** A document that is there already. `name` is what problems call it; without `file` it is never read again. */
export function textSource(
  text: string,
  place: { readonly name: string; readonly folder: string; readonly file: string | undefined },
  env: Environment,
): ConfigSource {
  const readFile = (path: string): string => readSmall(resolve(place.folder, path));
  return { file: place.file, text, load: (next) => loadConfig(next, { file: place.name, env, readFile }) };
}

function readSmall(path: string): string {
  if (statSync(path).size > MAX_FILE_BYTES) throw new RouterError("CONFIG_UNREADABLE", `${path} is larger than 1 MiB`);
  return readFileSync(path, "utf8");
}
