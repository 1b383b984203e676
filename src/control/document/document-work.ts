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

/** The other way round. */
export function unpackSecrets(value: unknown): unknown {
  return mapObjects(value, (object) => {
    const text: unknown = BOX in object ? object[BOX] : undefined;
    return typeof text === "string" ? new Secret(text) : undefined;
  });
}

/** No key of a config can be this: it is no name. */
const BOX = "\u0000secret";

/** A copy in which the objects are others for which `replace` gives something. */
function mapObjects(value: unknown, replace: (object: object) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const replaced = replace(value);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(value)) return value.map((item) => mapObjects(item, replace));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mapObjects(entry, replace)]));
}
