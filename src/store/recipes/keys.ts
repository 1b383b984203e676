import { RouterError } from "../../core/errors.ts";

/** As the store takes it: see `store.ts`. */
const MAX_KEY_BYTES = 512;
const PREFIX = /^(?:\/[A-Za-z0-9._-]+)+$/u;
const PART = /^[A-Za-z0-9._-]+$/u;
/** Names of members, locks and the like: what is left of a key beside prefix and suffix. */
const MAX_PART = 128;

/** The prefix, if all keys of the recipes below it are good ones. Fails with `STORE_REFUSED`. */
export function checkedPrefix(prefix: string): string {
  if (PREFIX.test(prefix) && prefix.length <= MAX_KEY_BYTES / 2) return prefix;
  throw new RouterError("STORE_REFUSED", `"${prefix}" cannot be the prefix of keys`, {
    hint: "write it as /signalbox or /telemetry/eu: letters, digits, . _ - and / between, at most 256 of them",
  });
}

/** A name that stands in a key, such as a member's id. Fails with `STORE_REFUSED`. */
export function checkedPart(part: string, what: string): string {
  if (PART.test(part) && part.length <= MAX_PART) return part;
  throw new RouterError("STORE_REFUSED", `"${part}" cannot be ${what}`, {
    hint: `use letters, digits, . _ and -, at most ${MAX_PART} of them`,
  });
}
