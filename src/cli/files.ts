import { reasonOf, RouterError } from "../core/errors.ts";
import { readBounded } from "../core/read-bounded.ts";
import { usage } from "./args.ts";

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

/** What the file has that an option names. Fails with USAGE. */
export function readPem(option: string, file: string): string {
  try {
    return readBounded(file, MAX_PEM_BYTES).toString();
  } catch (cause) {
    throw usage(`--${option}: ${reasonOf(cause)}`);
  }
}
