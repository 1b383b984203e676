import { Secret } from "../../core/secret.ts";
import { compareDocuments } from "./compare.ts";
import { prepareAgain, prepareEdit, prepareFirst, prepareText, prepareWanted, rootOf } from "./prepare.ts";
import { redactText } from "./secrets.ts";

/**
 * What is done with whole documents, by name: its arguments and results can be sent to another
 * thread or process.
 */
export const DOCUMENT_WORK = {
  prepareFirst,
  prepareText,
  prepareAgain,
  prepareEdit,
  prepareWanted,
  rootOf,
  redactText,
  compareDocuments,
} as const;
export type DocumentWork = typeof DOCUMENT_WORK;

/**
 * A copy that can be sent to another thread or process, where an object of a class of ours does not
 * arrive: secrets in boxes of plain data.
 */
export function packSecrets(value: unknown): unknown {
  return mapObjects(value, (object) => (object instanceof Secret ? { [BOX]: object.reveal() } : undefined));
}

/**
 * The other way round. Texts that are the same are one: each came by itself, and of 10,000 rules
 * that is 8 MB.
 */
export function unpackSecrets(value: unknown): unknown {
  const known = new Map<string, string>();
  return mapObjects(value, unboxed, (text) => {
    const same = known.get(text);
    if (same === undefined) known.set(text, text);
    return same ?? text;
  });
}

function unboxed(object: object): unknown {
  const text: unknown = BOX in object ? object[BOX] : undefined;
  return typeof text === "string" ? new Secret(text) : undefined;
}

/** No key of a config can be this: it is no name. */
const BOX = "\u0000secret";

/** A copy in which the objects are others for which `replace` gives something. */
function mapObjects(
  value: unknown,
  replace: (object: object) => unknown,
  share: (text: string) => string = (text) => text,
): unknown {
  if (typeof value === "string") return share(value);
  if (typeof value !== "object" || value === null) return value;
  const replaced = replace(value);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(value)) return value.map((item) => mapObjects(item, replace, share));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mapObjects(entry, replace, share)]));
}
