import { Secret } from "../../core/secret.ts";
import { coverSecrets, shownOf } from "../../core/secret-source.ts";
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
 * arrive: secrets in boxes of plain data. Objects and arrays that hold the same are one, which they
 * stay on the way: of 10,000 rules most conditions are as others, which is 5 MB.
 */
export function packSecrets(value: unknown): unknown {
  return new Packing().of(value);
}

/**
 * The other way round. Texts that are the same are one: each came by itself, and of 10,000 rules
 * that is 8 MB. So are objects that were one, and nobody changes any of them.
 */
export function unpackSecrets(value: unknown): unknown {
  const texts = new Map<string, string>();
  const made = new Map<object, unknown>();
  const unpacked = (packed: unknown): unknown => {
    if (typeof packed === "string") return sameText(texts, packed);
    if (typeof packed !== "object" || packed === null) return packed;
    const known = made.get(packed);
    if (known !== undefined) return known;
    const copy = unboxed(packed) ?? copyOf(packed, unpacked);
    made.set(packed, copy);
    return copy;
  };
  return unpacked(value);
}

function sameText(known: Map<string, string>, text: string): string {
  const same = known.get(text);
  if (same === undefined) known.set(text, text);
  return same ?? text;
}

function unboxed(object: object): Secret | undefined {
  const text: unknown = BOX in object ? object[BOX] : undefined;
  return typeof text === "string" ? new Secret(text) : undefined;
}

/** No key of a config can be this: it is no name. */
const BOX = "\u0000secret";

/** Values by number, one for all that are the same: what holds them is told by a short text. */
class Packing {
  readonly #values: unknown[] = [];
  readonly #plain = new Map<unknown, number>();
  /** By the kind, the keys and the numbers of what they hold. */
  readonly #objects = new Map<string, number>();

  of(value: unknown): unknown {
    return this.#values[this.#numberOf(value)];
  }

  #numberOf(value: unknown): number {
    if (value instanceof Secret) return this.#values.push({ [BOX]: value.reveal() }) - 1;
    if (typeof value !== "object" || value === null) return this.#kept(this.#plain, value, () => value);
    const keys = Array.isArray(value) ? undefined : Object.keys(value);
    const numbers = Object.values(value).map((item) => this.#numberOf(item));
    const key = `${keys === undefined ? "" : JSON.stringify(keys)} ${numbers.join()}`;
    return this.#kept(this.#objects, key, () => {
      const items = numbers.map((number) => this.#values[number]);
      return keys === undefined ? items : Object.fromEntries(keys.map((name, i) => [name, items[i]]));
    });
  }

  #kept<Key>(known: Map<Key, number>, key: Key, make: () => unknown): number {
    const number = known.get(key) ?? this.#values.push(make()) - 1;
    known.set(key, number);
    return number;
  }
}

function copyOf(value: object, copied: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(copied));
  const copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]));
  if (shownOf(copy) !== undefined) coverSecrets(copy); // which cannot be done any more once it is frozen
  return Object.freeze(copy);
}
