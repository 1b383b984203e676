import { inspect } from "node:util";
import { REDACTED } from "./secret.ts";

/**
 * Where a text comes from that must not be shown: plain data, so that it may be sent to another
 * process, where it is read. Printed, it shows no text; what JSON gives back is to be covered first
 * (`coverSecrets`).
 */
export type SecretSource =
  /** The text itself, as the config has it in place. */
  | { readonly literal: string }
  /**
   * `env:` and a name, or `file:` and a whole path, of whoever reads it. `otherwise`: the text in
   * the place of a variable that is not set, or empty.
   */
  | { readonly ref: string; readonly otherwise?: string }
  /** One after the other. */
  | { readonly parts: readonly SecretSource[] };

export function literal(text: string): SecretSource {
  return cover({ literal: text });
}

export function secretRef(ref: string, otherwise?: string): SecretSource {
  return otherwise === undefined ? { ref } : cover({ ref, otherwise });
}

/** Of an object that is a secret, what may be shown of it; undefined for any other. */
export function shownOf(value: object): unknown {
  if ("literal" in value && typeof value.literal === "string") return REDACTED;
  if ("ref" in value && "otherwise" in value) return { ref: value.ref, otherwise: REDACTED };
  return undefined;
}

/**
 * Makes all secrets that are somewhere in a tree of plain data such as are not shown when they are
 * printed.
 */
export function coverSecrets(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (shownOf(value) !== undefined) cover(value);
  else for (const entry of Object.values(value)) coverSecrets(entry);
}

/**
 * What is put to it is seen by whoever prints objects, and by nobody else: neither JSON nor a copy
 * has it.
 */
function cover<Value extends object>(value: Value): Value {
  if (Object.hasOwn(value, inspect.custom)) return value;
  return Object.defineProperty(value, inspect.custom, { value: () => shownOf(value) });
}
