import { readFileSync, statSync } from "node:fs";
import { reasonOf, RouterError } from "../core/errors.ts";
import { formatSize } from "../core/units.ts";
import { usage } from "./args.ts";

/**
 * The bytes of a file that people call `name`. Fails with CONFIG_UNREADABLE, also when it is larger
 * than `maxBytes`.
 */
export function readNamed(path: string, name: string, maxBytes: number): Buffer {
  try {
    if (statSync(path).size > maxBytes) throw new Error(`the file is larger than ${formatSize(maxBytes)}`);
    return readFileSync(path);
  } catch (cause) {
    throw new RouterError("CONFIG_UNREADABLE", `cannot read ${name}: ${reasonOf(cause)}`, { cause });
  }
}

/** What the file has that an option names. Fails with USAGE. */
export function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw usage(`--${option}: ${reasonOf(cause)}`);
  }
}
