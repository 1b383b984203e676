import { resolve } from "node:path";
import { reasonOf, RouterError } from "../core/errors.ts";
import { readBounded } from "../core/read-bounded.ts";
import { usage } from "./args.ts";
import type { Args, Io } from "./command.ts";

/**
 * The bytes of a file that people call `name`. Fails with CONFIG_UNREADABLE, also when it is larger
 * than `maxBytes`.
 */
export function readNamed(path: string, name: string, maxBytes: number): Buffer {
  try {
    return readBounded(path, maxBytes);
  } catch (cause) {
    throw new RouterError("CONFIG_UNREADABLE", `cannot read ${name}: ${reasonOf(cause)}`, { cause });
  }
}

/** Certificates are small: what is larger is a mistake. */
const MAX_PEM_BYTES = 1_048_576;

/** What the file has that an option names; undefined where it is not given. Fails with USAGE. */
export function readPem(option: string, args: Args, { cwd }: Pick<Io, "cwd">): string | undefined {
  const file = args.text(option);
  if (file === undefined) return undefined;
  try {
    return readBounded(resolve(cwd, file), MAX_PEM_BYTES).toString();
  } catch (cause) {
    throw usage(`--${option}: ${reasonOf(cause)}`);
  }
}
