import { isPlain, isQuickToRead, rulePlacesOf } from "../../config/document.ts";
import { isValues, textOf } from "../../config/values.ts";
import type { DocumentWork } from "./document-work.ts";

/** Documents of this length are read in some ten milliseconds. */
export const LONG = 65_536;
/** Which is read and checked in two seconds: 10,000 rules are 1.7 MB. */
const LONGEST_HERE = 4 * 1_024 * 1_024;

/** Of the texts among the arguments, and in them. */
export function lengthOf(args: readonly unknown[]): number {
  return textsIn(args).reduce((length, text) => length + text.length, 0);
}

function textsIn(args: readonly unknown[]): string[] {
  const texts = args.flatMap((arg) => (isValues(arg) ? [arg["text"], arg["running"]] : [arg]));
  return texts.flatMap((text) => textOf(text) ?? []);
}

/**
 * Whether work with long documents takes less here than to tell somebody else: a change of one that
 * was read here before and differs in a few rules, since what was made of all others is there. So
 * the first one is read here, before the node carries data. `unhurried`: this process never does.
 */
export function isDoneHere(name: keyof DocumentWork, args: readonly unknown[], unhurried: boolean): boolean {
  const texts = textsIn(args).filter((text) => text.length > LONG);
  const isSo = (is: (text: string) => boolean): boolean => texts.length > 0 && texts.every(is);
  switch (name) {
    case "prepareFirst":
      return isSo(isReadHere);
    case "prepareEdit":
      return isQuickEdit(args[0]) && isSo((text) => isEditedHere(text, unhurried));
    case "prepareText":
    case "prepareAgain":
      return isSo((text) => isQuick(text, unhurried));
    case "rootOf":
      return isSo(isQuickToRead);
    default:
      return false;
  }
}

/** Thousands of patterns take ten seconds to compare, which a node that runs does not have. */
function isEditedHere(text: string, unhurried: boolean): boolean {
  const isRead = isQuick(text, unhurried) || (unhurried && !text.includes("regex") && isReadHere(text));
  return isRead && rulePlacesOf(text) !== undefined;
}

/**
 * Patterns are compared with all others once more: 10,000 of them take more than a second, in which
 * a process that carries data would carry none.
 */
function isQuick(text: string, unhurried: boolean): boolean {
  return isQuickToRead(text) && (unhurried || !/regex|\*/u.test(text));
}

function isReadHere(text: string): boolean {
  return text.length <= LONGEST_HERE && isPlain(text);
}

/** Of one rule, and without a pattern: somebody may have sent one that takes long. */
function isQuickEdit(edit: unknown): boolean {
  if (!isValues(edit) || edit["section"] !== "rules") return false;
  const written = JSON.stringify(edit, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  return written.length <= LONG && !written.includes("regex");
}
