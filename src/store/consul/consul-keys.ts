import { RouterError } from "../../core/errors.ts";

/**
 * Keys begin with `/`, and with Consul customarily do not: its HTTP API cannot even address one
 * that does. The first `/` is all that is taken away, and put back in front of every key that is
 * read.
 */
export function wireKey(key: string): string {
  if (!/^\/|^$/u.test(key) || /(?:^|\/)\.{0,2}\//u.test(key.slice(1)) || /(?:^|\/)\.{1,2}$/u.test(key.slice(1))) {
    throw new RouterError("STORE_REFUSED", `consul: ${key} cannot be a key there`, {
      hint: "keys begin with /, and none of their parts is empty, . or ..",
    });
  }
  return key.slice(1);
}

export function ownKey(key: string): string {
  return `/${key}`;
}
